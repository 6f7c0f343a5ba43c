//! Hands each frame to every subscriber, and waits for none.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{EncodedFrame, pace::Demand, wishes::Wishes};

/// Frames a viewer may lag. A third of a second at 30 fps: past that, the picture is older than a fresh keyframe.
pub(crate) const FEED_FRAMES: usize = 10;

/// Where frames go.
#[derive(Debug)]
pub(crate) struct Hub {
    wishes: Arc<Wishes>,
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
}

#[derive(Debug, Default)]
struct Subscriber {
    queue: Mutex<Queue>,
    arrived: Notify,
}

impl Hub {
    pub fn new(wishes: Arc<Wishes>) -> Self {
        Self { wishes, subscribers: Mutex::default() }
    }

    pub fn subscribe(self: &Arc<Self>) -> Tap {
        let subscriber = Arc::new(Subscriber::default());
        let mut subscribers = lock(&self.subscribers);
        subscribers.push(Arc::clone(&subscriber));
        self.wishes.set_watchers(subscribers.len());
        // Last: a keyframe that came before the subscriber was there would be missed, and no other would follow.
        self.wishes.want_keyframe(Demand::Viewer);
        Tap { hub: Arc::clone(self), subscriber }
    }

    /// Gives the frame to all; those who lag too far lose what they have and wait for the next keyframe.
    pub fn publish(&self, frame: &Arc<EncodedFrame>) {
        let mut lagging = false;
        for subscriber in lock(&self.subscribers).iter() {
            lagging |= lock(&subscriber.queue).push(frame) == Pushed::Overrun;
            subscriber.arrived.notify_one();
        }
        if lagging {
            self.wishes.want_keyframe(Demand::Lag);
        }
    }

    /// No frame will come any more: each subscriber reads what it has, then `None`.
    pub fn end(&self) {
        for subscriber in lock(&self.subscribers).iter() {
            lock(&subscriber.queue).ended = true;
            subscriber.arrived.notify_one();
        }
    }
}

/// The frames of one encoder for one subscriber. One that lags loses frames up to the next keyframe.
#[derive(Debug)]
pub(crate) struct Tap {
    hub: Arc<Hub>,
    subscriber: Arc<Subscriber>,
}

impl Tap {
    /// `None` when the pipeline has ended. Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Arc<EncodedFrame>> {
        loop {
            {
                let mut queue = lock(&self.subscriber.queue);
                if let Some(frame) = queue.frames.pop_front() {
                    return Some(frame);
                }
                if queue.ended {
                    return None;
                }
            }
            // There is one reader, and `notify_one` keeps its permit: a frame that arrives before this line wakes it.
            self.subscriber.arrived.notified().await;
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut subscribers = lock(&self.hub.subscribers);
        subscribers.retain(|other| !Arc::ptr_eq(other, &self.subscriber));
        self.hub.wishes.set_watchers(subscribers.len());
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pushed {
    Queued,
    /// It came while a keyframe is awaited.
    Skipped,
    /// The queue was full: all of it is lost, and a keyframe is awaited from now on.
    Overrun,
}

/// What one subscriber has not read yet: a run of frames without a hole, which starts at a keyframe after each loss.
#[derive(Debug)]
struct Queue {
    frames: VecDeque<Arc<EncodedFrame>>,
    awaits_keyframe: bool,
    ended: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self { frames: VecDeque::with_capacity(FEED_FRAMES), awaits_keyframe: true, ended: false }
    }
}

impl Queue {
    fn push(&mut self, frame: &Arc<EncodedFrame>) -> Pushed {
        if frame.keyframe {
            // Whatever waits before a keyframe is older than it, and needed for nothing.
            self.frames.clear();
            self.awaits_keyframe = false;
        } else if self.awaits_keyframe {
            return Pushed::Skipped;
        } else if self.frames.len() == FEED_FRAMES {
            self.frames.clear();
            self.awaits_keyframe = true;
            return Pushed::Overrun;
        }
        self.frames.push_back(Arc::clone(frame));
        Pushed::Queued
    }
}

/// What the locks guard is whole between any two statements: a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Instant;

    use bytes::Bytes;
    use model::{Bitrate, video::Codec};
    use proptest::prelude::*;

    use super::*;

    fn frame(number: u32, keyframe: bool) -> Arc<EncodedFrame> {
        let data = Bytes::new();
        Arc::new(EncodedFrame {
            data,
            codec: Codec::H264,
            keyframe,
            captured: Instant::now(),
            rtp_time: number,
        })
    }

    fn hub() -> (Arc<Hub>, Arc<Wishes>) {
        let wishes = Arc::new(Wishes::new(Bitrate::kbps(1000), None).unwrap());
        (Arc::new(Hub::new(Arc::clone(&wishes))), wishes)
    }

    #[tokio::test]
    async fn a_slow_subscriber_never_delays_a_fast_one() {
        let (hub, wishes) = hub();
        let (mut fast, mut slow) = (hub.subscribe(), hub.subscribe());
        wishes.take_keyframe();
        for number in 0..30 {
            hub.publish(&frame(number, number == 0));
            assert_eq!(fast.next().await.unwrap().rtp_time, number);
        }
        assert_eq!(wishes.take_keyframe(), Some(Demand::Lag));
        hub.publish(&frame(30, true));
        hub.publish(&frame(31, false));
        assert_eq!((slow.next().await.unwrap().rtp_time, slow.next().await.unwrap().rtp_time), (30, 31));
        assert_eq!(wishes.take_keyframe(), None);
    }

    #[tokio::test]
    async fn who_comes_late_starts_at_a_keyframe_and_asks_for_one() {
        let (hub, wishes) = hub();
        let mut first = hub.subscribe();
        hub.publish(&frame(0, true));
        assert_eq!(wishes.take_keyframe(), Some(Demand::Alone));
        let mut second = hub.subscribe();
        assert_eq!((wishes.take_keyframe(), wishes.watchers()), (Some(Demand::Viewer), 2));
        hub.publish(&frame(1, false));
        hub.publish(&frame(2, true));
        assert_eq!(second.next().await.unwrap().rtp_time, 2);
        assert_eq!(first.next().await.unwrap().rtp_time, 2);
    }

    #[tokio::test]
    async fn after_the_end_the_rest_is_read_and_then_nothing() {
        let (hub, wishes) = hub();
        let mut feed = hub.subscribe();
        hub.publish(&frame(0, true));
        hub.end();
        assert!(feed.next().await.is_some());
        assert!(feed.next().await.is_none());
        drop(feed);
        assert_eq!(wishes.watchers(), 0);
    }

    proptest! {
        /// However it is read, a subscriber sees runs without a hole, each from a keyframe on, and never more than the bound waits.
        #[test]
        fn every_run_that_is_read_starts_at_a_keyframe(steps in prop::collection::vec((any::<bool>(), 0u8..12), 0..300)) {
            let mut queue = Queue::default();
            let mut last: Option<u32> = None;
            let mut number = 0;
            for (read, roll) in steps {
                if read {
                    if let Some(got) = queue.frames.pop_front() {
                        prop_assert!(got.keyframe || last.map(|last| last + 1) == Some(got.rtp_time));
                        last = Some(got.rtp_time);
                    }
                } else {
                    queue.push(&frame(number, roll == 0));
                    number += 1;
                }
                prop_assert!(queue.frames.len() <= FEED_FRAMES);
            }
        }
    }
}
