//! Sums up what the trees of processes use. Pure.

use std::collections::{HashMap, HashSet};

use model::health::ProcessLoad;

/// One process as it is now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: Option<u32>,
    /// 100 is one core.
    pub(crate) cpu_percent: f32,
    pub(crate) memory_bytes: u64,
}

/// The load of each root with everything below it, in the order of the roots. A root that is not there has no line; a root below
/// another root is counted for itself, not for the upper one.
///
/// Memory that processes share is counted once for each of them. `gpu_memory` is by pid; `None` where the driver does not tell.
pub(crate) fn loads(
    processes: &[Process],
    roots: &[u32],
    gpu_memory: Option<&HashMap<u32, u64>>,
) -> Vec<ProcessLoad> {
    let parents: HashMap<u32, Option<u32>> = processes.iter().map(|p| (p.pid, p.parent)).collect();
    let wanted: HashSet<u32> = roots.iter().copied().collect();
    let mut loads: HashMap<u32, ProcessLoad> = HashMap::new();
    for process in processes {
        let Some(root) = root_of(process.pid, &parents, &wanted) else { continue };
        let load = loads.entry(root).or_insert_with(|| ProcessLoad {
            root_pid: root,
            cpu_percent: 0.0,
            memory_bytes: 0,
            gpu_memory_bytes: gpu_memory.map(|_| 0),
        });
        load.cpu_percent += process.cpu_percent;
        load.memory_bytes += process.memory_bytes;
        if let (Some(sum), Some(bytes)) =
            (&mut load.gpu_memory_bytes, gpu_memory.and_then(|by| by.get(&process.pid)))
        {
            *sum += bytes;
        }
    }
    roots.iter().filter_map(|root| loads.remove(root)).collect()
}

/// The nearest wanted process at or above this one. The processes are read one after the other, so a reused id may make a circle of
/// them: no way up is longer than there are processes.
fn root_of(pid: u32, parents: &HashMap<u32, Option<u32>>, wanted: &HashSet<u32>) -> Option<u32> {
    let up = |pid: &u32| parents.get(pid).copied().flatten();
    std::iter::successors(Some(pid), up)
        .take(parents.len() + 1)
        .find(|pid| wanted.contains(pid) && parents.contains_key(pid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn children_and_grandchildren_count_for_their_root() {
        let all = [process(10, 1), process(11, 10), process(12, 11), process(20, 1), process(30, 1)];
        let gpu = HashMap::from([(12, 500), (20, 7), (30, 9)]);
        let loads = loads(&all, &[20, 10], Some(&gpu));
        let summary: Vec<_> =
            loads.iter().map(|l| (l.root_pid, l.cpu_percent, l.memory_bytes, l.gpu_memory_bytes)).collect();
        assert_eq!(summary, [(20, 1.0, 100, Some(7)), (10, 3.0, 300, Some(500))]);
    }

    #[test]
    fn a_root_below_a_root_is_counted_once() {
        let all = [process(10, 1), process(11, 10), process(12, 11)];
        let sums: Vec<_> =
            loads(&all, &[10, 11], None).iter().map(|l| (l.root_pid, l.memory_bytes)).collect();
        assert_eq!(sums, [(10, 100), (11, 200)]);
    }

    #[test]
    fn a_root_that_has_ended_has_no_line() {
        assert_eq!(loads(&[process(11, 10)], &[10, 99], None), []);
    }

    #[test]
    fn without_a_driver_gpu_memory_is_unknown_rather_than_nothing() {
        assert_eq!(loads(&[process(10, 1)], &[10], None)[0].gpu_memory_bytes, None);
        assert_eq!(loads(&[process(10, 1)], &[10], Some(&HashMap::new()))[0].gpu_memory_bytes, Some(0));
    }

    proptest! {
        #[test]
        fn circles_end_and_nothing_is_counted_twice(parents in prop::collection::vec(0u32..20, 1..20), roots in prop::collection::vec(0u32..25, 0..8)) {
            let all: Vec<_> = parents.iter().enumerate().map(|(pid, parent)| process(pid as u32, *parent)).collect();
            let sum: u64 = loads(&all, &roots, None).iter().map(|l| l.memory_bytes).sum();
            prop_assert!(sum <= 100 * all.len() as u64);
        }
    }

    fn process(pid: u32, parent: u32) -> Process {
        Process { pid, parent: Some(parent), cpu_percent: 1.0, memory_bytes: 100 }
    }
}
