//! The registry's real statements in a real Postgres whose clock is ours, beside the rules that the fleet lives by: whatever is asked in
//! whatever order, both give the same answers and hold the same rows.

use std::time::Duration;

use cluster::{
    TicketState, Wish,
    line::{Rules, Stage},
};
use e2e::{Console, Postgres};
use model::{InstanceId, SecretHash, ServerId};
use registry::{
    Address, Beat, FencingToken, Generation, Heartbeat, Load, Published, Registry, Reservation, ServerRow,
    SharedInstance, setup,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    asked_for,
    breaks::Break,
    chance::Chance,
    ledger::{FOR_EVER, Lease, Ledger},
    world::RULES,
};

const STEPS: u32 = 1_200;
const START: i64 = 1_700_000_000_000;
const MACHINES: usize = 4;
const SESSIONS: u8 = 12;
/// A line that is full now and then.
const LINE: Rules = Rules { longest: 6, ..RULES };

/// Names that are found before Postgres' own: whoever asks what time it is, asks the test.
const CLOCK: &str = "
    CREATE TABLE public.clock (at timestamptz);
    INSERT INTO public.clock VALUES (to_timestamp(0));
    CREATE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM public.clock';
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM public.clock';
    ALTER DATABASE openspace SET search_path = public, pg_catalog";
const SLOTS: &str = "
    SELECT machine_id, slot, token, CASE WHEN expires < now() THEN 'free' WHEN expires = 'infinity' THEN 'runs'
        ELSE round(extract(epoch FROM expires) * 1000)::text END,
        CASE WHEN expires >= now() THEN instance_id::text END
    FROM slots ORDER BY machine_id, slot";
const PLACES: &str = "SELECT ticket_id, state FROM queue ORDER BY number";
const INSTANCES: &str = "SELECT instance_id, machine_id FROM machine_instances ORDER BY instance_id";

struct Both {
    ledger: Ledger,
    registry: Registry,
    console: Console,
    chance: Chance,
    generations: Vec<i64>,
    slots: Vec<usize>,
    leases: Vec<Lease>,
    tickets: Vec<(Uuid, u8)>,
    instances: Vec<InstanceId>,
    /// What has been asked so far, for who looks for a difference.
    said: Vec<String>,
}

#[tokio::test]
async fn the_real_statements_keep_the_rules_that_the_fleet_lives_by() {
    let seeds = match (asked_for("SIM_SEED"), asked_for("SIM_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, many) => 1..=many.unwrap_or(1),
    };
    for seed in seeds {
        let postgres = Postgres::start().unwrap();
        let mut both = Both::open(&postgres, seed).await;
        for step in 0..STEPS {
            both.step().await;
            if step % 10 == 0 {
                both.compare();
            }
        }
        both.compare();
    }
}

fn server(at: usize) -> ServerId {
    ServerId(Uuid::from_u128(1 + at as u128))
}

fn session(n: u8) -> SecretHash {
    SecretHash([n + 1; 32])
}

fn row(at: usize, slots: usize) -> ServerRow {
    ServerRow {
        server: server(at),
        name: format!("dome {at}"),
        version: "0.1.0".to_owned(),
        url: None,
        relay: None,
        region: None,
        ip_address: "localhost".to_owned(),
        port: 4700 + at as u16,
        slots: slots as u32,
        ram: "64GB".to_owned(),
        graphics_card: None,
        storage: "1TB SSD".to_owned(),
    }
}

fn reservation(lease: &Lease) -> Reservation {
    Reservation {
        server: lease.server,
        slot: lease.slot as u32,
        token: FencingToken(lease.token),
        instance: lease.instance,
        lasts: Duration::ZERO,
    }
}

fn plain(reserved: &Reservation) -> (ServerId, usize, i64, InstanceId) {
    (reserved.server, reserved.slot as usize, reserved.token.0, reserved.instance)
}

fn bare(lease: &Lease) -> (ServerId, usize, i64, InstanceId) {
    (lease.server, lease.slot, lease.token, lease.instance)
}

impl Both {
    async fn open(postgres: &Postgres, seed: u64) -> Self {
        postgres.sql("openspace", CLOCK).unwrap();
        let address: Address = postgres.url("openspace").parse().unwrap();
        setup(&address, &row(0, 1)).await.unwrap();
        let mut both = Self {
            ledger: Ledger::new(START, LINE, Break::Nothing),
            registry: Registry::connect(&address).await.unwrap(),
            console: postgres.console("openspace").unwrap(),
            chance: Chance::of(seed),
            generations: vec![0; MACHINES],
            slots: vec![2; MACHINES],
            leases: Vec::new(),
            tickets: Vec::new(),
            instances: Vec::new(),
            said: Vec::new(),
        };
        both.pass(0);
        for at in 0..MACHINES {
            both.join(at).await;
        }
        both
    }

    fn pass(&mut self, ms: i64) {
        self.ledger.now += ms;
        let now = self.ledger.now;
        self.console.sql(&format!("UPDATE clock SET at = to_timestamp({now} / 1000.0)")).unwrap();
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, asked: &str, real: T, rule: T) {
        self.said.push(format!("{} {asked}: {real:?}", self.ledger.now - START));
        let before = self.said.len().saturating_sub(25);
        assert!(
            real == rule,
            "the registry: {real:?}\nthe rule: {rule:?}\nafter\n{}",
            self.said[before..].join("\n")
        );
    }

    async fn step(&mut self) {
        let at = self.chance.at(MACHINES);
        match self.chance.below(28) {
            0 => self.join(at).await,
            1..6 => self.beat(at).await,
            6..9 => self.reserve(at).await,
            9 | 10 => self.confirm(at).await,
            11 => self.release().await,
            12..15 => self.publish(at).await,
            15 => self.take_over(at).await,
            16..19 => self.enqueue().await,
            19 => self.look().await,
            20 | 21 => self.hold_next(at).await,
            22 | 23 => self.claim().await,
            24 => self.change_place().await,
            25 => {
                self.registry.bury().await.unwrap();
                self.ledger.look_after_places();
            }
            26 => self.fleet().await,
            _ => {
                let ms = 100 * [1, 7, 20, 45, 110, 290, 1300][self.chance.at(7)];
                self.pass(ms);
            }
        }
    }

    /// The newest, now and then an older one.
    fn generation(&mut self, at: usize) -> i64 {
        let newest = self.ledger.rows[&server(at)].generation;
        if self.chance.one_in(8) { newest - 1 } else { newest }
    }

    // Machines.

    async fn join(&mut self, at: usize) {
        if self.chance.one_in(3) {
            self.slots[at] = 1 + self.chance.at(3);
        }
        let real = self.registry.join(&row(at, self.slots[at])).await.unwrap().generation.0;
        let rule = self.ledger.join(server(at), self.slots[at]);
        self.generations[at] = rule;
        self.same(&format!("join {at}"), real, rule);
    }

    async fn beat(&mut self, at: usize) {
        let (generation, draining) = (self.generation(at), self.chance.one_in(6));
        let slots = self.slots[at] as u32;
        let beat = Heartbeat {
            server: server(at),
            generation: Generation(generation),
            slots_total: slots,
            slots_free: slots,
            draining,
            load: Load::default(),
        };
        let real = matches!(self.registry.heartbeat(&beat).await.unwrap(), Beat::Kept { .. });
        let rule = self.ledger.beat(server(at), generation, draining);
        self.same(&format!("beat {at} {generation}"), real, rule);
    }

    async fn fleet(&mut self) {
        let seen = self.registry.fleet().await.unwrap();
        let real: Vec<_> = seen
            .iter()
            .map(|one| {
                let silent = one.age.as_millis() as i64;
                (
                    one.server,
                    one.generation.0,
                    silent,
                    one.alive,
                    one.draining,
                    one.slots_total as usize,
                    one.slots_free as usize,
                )
            })
            .collect();
        let rule: Vec<_> = self
            .ledger
            .fleet()
            .into_iter()
            .map(|one| {
                (one.server, one.generation, one.silent_ms, one.alive, one.draining, one.total, one.free)
            })
            .collect();
        self.same("fleet", real, rule);
        let real = self.registry.waiting().await.unwrap();
        let rule = self.ledger.line.waiting(self.ledger.moment());
        self.same("waiting", real, rule);
    }

    // Slots.

    async fn reserve(&mut self, at: usize) {
        let (instance, lasts_ms) = (InstanceId::random(), 1_000 * self.chance.between(1, 40));
        let lasts = Duration::from_millis(lasts_ms.unsigned_abs());
        let real = self.registry.reserve(server(at), instance, lasts).await.unwrap();
        let rule = self.ledger.reserve(server(at), instance, lasts_ms);
        self.leases.extend(rule);
        self.same(&format!("reserve {at}"), real.as_ref().map(plain), rule.as_ref().map(bare));
    }

    fn a_lease(&mut self) -> Option<Lease> {
        let many = self.leases.len();
        let recent = many - self.chance.at(many.min(6) + 1).min(many);
        self.leases.get(recent).copied()
    }

    async fn confirm(&mut self, _: usize) {
        let Some(mut lease) = self.a_lease() else { return };
        if self.chance.one_in(8) {
            // As a token that was given twice.
            lease.instance = InstanceId::random();
        }
        let generation = self.generation(lease.server.0.as_u128() as usize - 1);
        let real = self.registry.confirm(&reservation(&lease), Generation(generation)).await.unwrap();
        let rule = self.ledger.confirm(&lease, generation);
        self.same(&format!("confirm {lease:?}"), real, rule);
    }

    async fn release(&mut self) {
        let Some(mut lease) = self.a_lease() else { return };
        if self.chance.one_in(4) {
            lease.instance = InstanceId::random();
        }
        let real = self.registry.release(&reservation(&lease)).await.unwrap();
        let rule = self.ledger.release(&lease);
        self.same(&format!("release {lease:?}"), real, rule);
    }

    // Instances.

    async fn publish(&mut self, at: usize) {
        let generation = self.generation(at);
        let mut runs: Vec<InstanceId> = Vec::new();
        for _ in 0..self.chance.below(4) {
            let instance = match (self.chance.below(3), self.a_lease(), self.instances.len()) {
                (0, Some(lease), _) => lease.instance,
                (1, _, many) if many > 0 => self.instances[self.chance.at(many)],
                _ => InstanceId::random(),
            };
            if !runs.contains(&instance) {
                runs.push(instance);
            }
        }
        let told: Vec<_> = runs
            .iter()
            .map(|instance| SharedInstance {
                instance: *instance,
                server: server(at),
                session: session(0),
                live: true,
                view: json!({ "state": "ready" }),
                has_scene: false,
            })
            .collect();
        let real = match self.registry.publish(server(at), Generation(generation), &told).await.unwrap() {
            Published::Done { mut taken } => {
                taken.sort();
                Some(taken)
            }
            Published::Stale => None,
        };
        let listed: Vec<_> = runs.iter().map(|run| (*run, session(0))).collect();
        let mut rule = self.ledger.publish(server(at), generation, &listed, 3);
        rule.iter_mut().for_each(|taken| taken.sort());
        self.same(&format!("publish {at} {runs:?}"), real, rule);
        self.align_tokens(at);
        self.instances.extend(runs);
        let many = self.instances.len();
        self.instances.drain(..many.saturating_sub(10));
    }

    /// Several that take their seats at once get their tokens in no certain order.
    fn align_tokens(&mut self, at: usize) {
        let asked =
            format!("SELECT slot, token FROM slots WHERE machine_id = '{}' ORDER BY slot", server(at));
        let told = self.console.sql(&asked).unwrap();
        let real: Vec<(usize, i64)> = told
            .lines()
            .filter_map(|line| line.split_once('|'))
            .map(|(slot, token)| (slot.parse().unwrap(), token.parse().unwrap()))
            .collect();
        let slots = &mut self.ledger.rows.get_mut(&server(at)).unwrap().slots;
        let mut tokens: [Vec<i64>; 2] =
            [real.iter().map(|(_, token)| *token).collect(), slots.values().map(|slot| slot.token).collect()];
        tokens.iter_mut().for_each(|tokens| tokens.sort_unstable());
        for (slot, token) in real {
            slots.get_mut(&slot).unwrap().token = token;
        }
        let [real, rule] = tokens;
        self.same(&format!("tokens of {at}"), real, rule);
    }

    async fn take_over(&mut self, at: usize) {
        let Some(instance) = self.ledger.instances.keys().nth(self.chance.at(8)).copied() else { return };
        let generation = self.generation(at);
        let real = self.registry.take_over(instance, server(at), Generation(generation)).await.unwrap();
        let rule = self.ledger.take_over(instance, server(at), generation);
        self.same(&format!("take over {instance} to {at}"), real, rule);
    }

    // Places.

    async fn enqueue(&mut self) {
        let by = self.chance.below(u64::from(SESSIONS)) as u8;
        let accepts = self
            .chance
            .one_in(2)
            .then(|| vec![server(self.chance.at(MACHINES)), server(self.chance.at(MACHINES))]);
        let wish = Wish { session: session(by), launch: json!({}), accepts };
        let real = self.registry.enqueue(&wish, LINE.per_session, LINE.longest).await.unwrap();
        let id = real.as_ref().map_or(Uuid::from_u128(0), |ticket| ticket.id);
        let rule = self.ledger.enqueue(wish, id);
        if rule.is_ok() {
            self.tickets.push((id, by));
        }
        let real = real.map(|ticket| match ticket.state {
            TicketState::Waiting { position } => position,
            other => panic!("{other:?}"),
        });
        self.same(&format!("enqueue {by} {id}"), real, rule);
    }

    /// One of the last, by whose it is or somebody else.
    fn a_ticket(&mut self) -> Option<(Uuid, u8)> {
        let many = self.tickets.len();
        let (id, by) = *self.tickets.get(many - self.chance.at(many.min(8) + 1).min(many))?;
        Some((id, if self.chance.one_in(10) { by + 1 } else { by }))
    }

    async fn look(&mut self) {
        let Some((id, by)) = self.a_ticket() else { return };
        let real = self.registry.ticket(id, session(by)).await.unwrap().map(|ticket| ticket.state);
        let rule = self.ledger.look(id, session(by));
        self.same(&format!("look {id}"), real, rule);
    }

    async fn hold_next(&mut self, at: usize) {
        let generation = self.generation(at);
        let real = self.registry.hold_next(server(at), Generation(generation), LINE.hold).await.unwrap();
        let rule = self.ledger.hold_next(server(at), generation, LINE.hold.as_millis() as i64);
        self.same(&format!("hold at {at}"), real, rule);
        if let Some(lease) = rule.and_then(|id| self.ledger.held(id)) {
            // The registry has chosen the name.
            let asked = format!("SELECT instance_id FROM slots WHERE token = {}", lease.token);
            let instance = InstanceId(self.console.sql(&asked).unwrap().parse().unwrap());
            self.ledger.name(&lease, instance);
            self.leases.push(Lease { instance, ..lease });
        }
    }

    async fn claim(&mut self) {
        let held: Vec<_> =
            self.tickets.iter().filter(|(id, _)| self.ledger.held(*id).is_some()).copied().collect();
        let one = if held.is_empty() { self.a_ticket() } else { Some(held[self.chance.at(held.len())]) };
        let Some((id, by)) = one else { return };
        let real = self.registry.claim(id, session(by)).await.unwrap();
        let rule = self.ledger.claim(id, session(by));
        self.same(&format!("claim {id}"), real.as_ref().map(plain), rule.as_ref().map(bare));
    }

    async fn change_place(&mut self) {
        let Some((id, by)) = self.a_ticket() else { return };
        match self.chance.below(3) {
            0 => {
                let real = self.registry.put_back(id, session(by)).await.unwrap();
                let rule = self.ledger.put_back(id, session(by));
                self.same(&format!("put back {id}"), real, rule);
            }
            1 => {
                let real = self.registry.leave_queue(id, session(by)).await.unwrap();
                let rule = self.ledger.leave(id, session(by));
                self.same(&format!("leave {id}"), real, rule);
            }
            _ => {
                let servers = vec![server(self.chance.at(MACHINES))];
                self.registry.accept(id, session(by), &servers).await.unwrap();
                self.ledger.accept(id, session(by), servers);
            }
        }
    }

    // Rows.

    fn compare(&mut self) {
        let real = self.console.sql(SLOTS).unwrap();
        let now = self.ledger.now;
        let mut rule = Vec::new();
        for (server, row) in &self.ledger.rows {
            for (number, slot) in &row.slots {
                let expires = match slot.expires {
                    FOR_EVER => "runs".to_owned(),
                    past if past < now => "free".to_owned(),
                    other => other.to_string(),
                };
                let instance = slot
                    .instance
                    .filter(|_| slot.expires >= now)
                    .map(|id| id.to_string())
                    .unwrap_or_default();
                rule.push(format!("{server}|{number}|{}|{expires}|{instance}", slot.token));
            }
        }
        self.same("all slots", real, rule.join("\n"));
        let real = self.console.sql(PLACES).unwrap();
        let rule: Vec<_> = self
            .ledger
            .line
            .entries()
            .iter()
            .map(|entry| {
                let stage = match entry.stage {
                    Stage::Waiting => "waiting",
                    Stage::Held { .. } => "held",
                    Stage::Claimed => "claimed",
                };
                format!("{}|{stage}", entry.id)
            })
            .collect();
        self.same("all places", real, rule.join("\n"));
        let real = self.console.sql(INSTANCES).unwrap();
        let rule: Vec<_> = self
            .ledger
            .instances
            .iter()
            .map(|(instance, told)| format!("{instance}|{}", told.server))
            .collect();
        self.same("all instances", real, rule.join("\n"));
    }
}
