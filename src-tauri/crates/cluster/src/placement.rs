//! Where a launch goes. Pure.
//!
//! What is asked for strikes machines out, one reason after the other, and the reason that struck the last one out is what people are
//! told. Of those that are left with room, the ones where an instance stands ready come first; of these two are drawn, and the emptier of
//! the two is taken: whoever chooses by the same two-second-old figures would otherwise send everybody to the same machine.

use std::fmt;

use model::ServerId;

/// What is to be launched, and where it may run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub server: Option<ServerId>,
    pub region: Option<String>,
    /// `None`: whatever is the machine's default.
    pub build: Option<String>,
    pub profile: Option<String>,
}

/// What one more instance of a build takes on a machine, as that machine tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub gpu_memory_mb: u32,
    /// Of those that a GPU's driver grants; `None`: as many as are asked for.
    pub encoder_sessions_max: Option<u32>,
}

/// A machine as it stood when it was last heard of.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub server: ServerId,
    /// The machine that asks: nothing stands between it and the viewer.
    pub here: bool,
    pub region: Option<String>,
    pub alive: bool,
    /// Can it be asked to launch something?
    pub reachable: bool,
    pub draining: bool,
    pub slots_total: u32,
    pub slots_free: u32,
    pub offers: Vec<Offer>,
    /// 0–100, all cores together.
    pub cpu_percent: f32,
    /// `None`: no GPU, or one that does not tell.
    pub gpu_memory_free_mb: Option<u32>,
    pub encoder_sessions: Option<u32>,
}

/// A build that can be launched there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub build: String,
    pub default: bool,
    pub profiles: Vec<String>,
    /// The profiles of which an instance stands ready, nobody's yet; `None` is a program without profiles.
    pub warm: Vec<Option<String>>,
    pub needs: Needs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Here,
    There(ServerId),
    /// Room may come up on these.
    Queue(Vec<ServerId>),
    Nowhere(Why),
}

/// Why no machine will ever do, as things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    NoSuchMachine,
    NoSuchRegion,
    Lost,
    OutOfReach,
    NoSuchBuild,
    NoSuchProfile,
    Draining,
    NoRoom,
    /// There are places, but none of them can be had.
    GpuMemory {
        needed_mb: u32,
        free_mb: u32,
    },
    EncoderSessions {
        most: u32,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::GpuMemory { needed_mb, free_mb } => {
                return write!(
                    f,
                    "There are free places, but too little of the graphics memory: {needed_mb} MB are needed, and {free_mb} MB are free. Stop an instance, or try again later."
                );
            }
            Self::EncoderSessions { most } => {
                return write!(
                    f,
                    "There are free places, but the graphics card encodes as many pictures as its driver allows ({most}). Stop an instance, or try again later."
                );
            }
            Self::NoSuchMachine => {
                "There is no such machine: choose another, or leave the choice to the program."
            }
            Self::NoSuchRegion => "No machine stands in that region: choose another, or any.",
            Self::Lost => "No machine that could do this has been heard of lately. Try again in a minute.",
            Self::OutOfReach => {
                "The machine that could do this cannot be reached from here: open its own page."
            }
            Self::NoSuchBuild => "No machine that may be used has that build. Choose another one.",
            Self::NoSuchProfile => "No machine that has that build has this profile. Choose another one.",
            Self::Draining => "The machines that could do this take no new instances now. Try again later.",
            Self::NoRoom => "The machines that could do this have no places at all.",
        };
        f.write_str(words)
    }
}

/// `refused` have said no just now, whatever the figures say; `draw` is fresh for every launch, and every draw gives a right answer.
pub fn decide(wanted: &Wanted, machines: &[Candidate], refused: &[ServerId], draw: u64) -> Decision {
    let fit = match fitting(wanted, machines) {
        Ok(fit) => fit,
        Err(why) => return Decision::Nowhere(why),
    };
    let room = |machine: &&&Candidate| {
        machine.slots_free > 0 && lacking(machine, wanted).is_none() && !refused.contains(&machine.server)
    };
    let with_room: Vec<&Candidate> = fit.iter().filter(room).copied().collect();
    if with_room.is_empty() {
        return wait_for(&fit, wanted);
    }
    let warm: Vec<&Candidate> =
        with_room.iter().filter(|machine| is_warm(machine, wanted)).copied().collect();
    let best = emptier_of_two(if warm.is_empty() { &with_room } else { &warm }, draw);
    if best.here { Decision::Here } else { Decision::There(best.server) }
}

/// The machines that would do if they had room: who waits, waits for these.
pub fn would_do(wanted: &Wanted, machines: &[Candidate]) -> Result<Vec<ServerId>, Why> {
    Ok(fitting(wanted, machines)?.iter().map(|machine| machine.server).collect())
}

fn fitting<'a>(wanted: &Wanted, machines: &'a [Candidate]) -> Result<Vec<&'a Candidate>, Why> {
    type Test<'t> = &'t dyn Fn(&Candidate) -> bool;
    let tests: [(Why, Test<'_>); 8] = [
        (Why::NoSuchMachine, &|m| wanted.server.is_none_or(|server| m.server == server)),
        (Why::NoSuchRegion, &|m| wanted.region.is_none() || m.region == wanted.region),
        (Why::Lost, &|m| m.alive),
        (Why::OutOfReach, &|m| m.here || m.reachable),
        (Why::NoSuchBuild, &|m| offer(m, wanted).is_some()),
        (Why::NoSuchProfile, &|m| offer(m, wanted).is_some_and(|offer| has_profile(offer, wanted))),
        (Why::Draining, &|m| !m.draining),
        (Why::NoRoom, &|m| m.slots_total > 0),
    ];
    let mut left: Vec<&Candidate> = machines.iter().collect();
    for (why, test) in tests {
        left.retain(|machine| test(machine));
        if left.is_empty() {
            return Err(why);
        }
    }
    Ok(left)
}

fn offer<'a>(machine: &'a Candidate, wanted: &Wanted) -> Option<&'a Offer> {
    match &wanted.build {
        Some(build) => machine.offers.iter().find(|offer| offer.build == *build),
        None => machine.offers.iter().find(|offer| offer.default).or(machine.offers.first()),
    }
}

fn has_profile(offer: &Offer, wanted: &Wanted) -> bool {
    wanted.profile.as_ref().is_none_or(|profile| offer.profiles.contains(profile))
}

/// A place that falls free helps where places are what is missing. Where they are not, waiting for one helps nobody, and who asks is told
/// what is short, by the machine that is nearest to having it.
fn wait_for(fit: &[&Candidate], wanted: &Wanted) -> Decision {
    let short = |machine: &Candidate| lacking(machine, wanted).filter(|_| machine.slots_free > 0);
    let queue: Vec<_> = fit.iter().filter(|m| short(m).is_none()).map(|m| m.server).collect();
    let shortfall = |why: &Why| match why {
        Why::GpuMemory { needed_mb, free_mb } => needed_mb - free_mb,
        _ => 0,
    };
    match fit.iter().filter_map(|machine| short(machine)).min_by_key(shortfall) {
        Some(why) if queue.is_empty() => Decision::Nowhere(why),
        _ => Decision::Queue(queue),
    }
}

/// What one that stands ready takes, it has already. What a machine does not tell is not held against it: its own admission has the last
/// word.
fn lacking(machine: &Candidate, wanted: &Wanted) -> Option<Why> {
    let Needs { gpu_memory_mb: needed_mb, encoder_sessions_max } = offer(machine, wanted)?.needs;
    if is_warm(machine, wanted) {
        return None;
    }
    if let Some(free_mb) = machine.gpu_memory_free_mb.filter(|free| *free < needed_mb) {
        return Some(Why::GpuMemory { needed_mb, free_mb });
    }
    let sessions = machine.encoder_sessions.zip(encoder_sessions_max);
    sessions.filter(|(used, most)| used >= most).map(|(_, most)| Why::EncoderSessions { most })
}

fn is_warm(machine: &Candidate, wanted: &Wanted) -> bool {
    offer(machine, wanted).is_some_and(|offer| match &wanted.profile {
        Some(_) => offer.warm.contains(&wanted.profile),
        None => !offer.warm.is_empty(),
    })
}

/// The emptier: fewer of its places taken, then tenths of its cores, then this machine, then more GPU memory, then the lower id, so that
/// two machines are never equal.
fn emptier_of_two<'a>(machines: &[&'a Candidate], draw: u64) -> &'a Candidate {
    let count = machines.len() as u64;
    let first = draw % count;
    // Another one than the first, where there is another.
    let second = if count > 1 { (first + 1 + (draw / count) % (count - 1)) % count } else { first };
    let rank = |machine: &Candidate| {
        let taken = machine.slots_total.saturating_sub(machine.slots_free);
        let permille = u64::from(taken) * 1000 / u64::from(machine.slots_total.max(1));
        let tenths = (machine.cpu_percent.clamp(0.0, 100.0) / 10.0) as u8;
        let gpu_memory = u32::MAX - machine.gpu_memory_free_mb.unwrap_or(0);
        (permille, tenths, !machine.here, gpu_memory, machine.server)
    };
    let [first, second] = [first, second].map(|at| machines[at as usize]);
    if rank(second) < rank(first) { second } else { first }
}

#[cfg(test)]
mod tests;
