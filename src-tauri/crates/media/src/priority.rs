//! Lets the calling thread, and the threads that it starts, run before others where the machine is busy.
//!
//! A renderer in software takes every core it gets; a frame that is ready would wait behind it for its time slice. What
//! capture and encoding take is small and bounded by the frame rate, so they may go first.

/// As steps of `nice`. Enough to win against any ordinary program, and still behind what a system reserves for itself.
const NICE: i32 = -10;

/// Without the right to do so (`CAP_SYS_NICE`, `LimitNICE=` of systemd) nothing changes.
pub(crate) fn go_first() {
    // On Linux, process 0 is the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "capture runs at usual priority");
    }
}
