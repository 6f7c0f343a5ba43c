//! What this machine encodes; found out once, so that the panel can tell and peers can be negotiated while a program loads.

use model::{
    Size,
    video::{Codec, EncoderChoice, Rejected},
};
use tracing::{error, info};

use crate::config::Config;

#[derive(Debug)]
pub struct Encoding {
    /// Which encoder streams will get first.
    pub encoder: Option<EncoderChoice>,
    /// In which codecs viewers can get a picture, the best first. Never empty: what does not open now may open later.
    pub codecs: Vec<Codec>,
}

impl Encoding {
    pub async fn probe(config: &Config, warnings: &mut Vec<String>) -> Self {
        let (size, encoders) = (config.size(), config.stream.encoders.clone());
        let probed = tokio::task::spawn_blocking(move || {
            let first = media::probe(size, &encoders);
            let codecs = codecs(first.as_ref().ok(), size, &encoders);
            (first, codecs)
        });
        let (first, codecs) = probed.await.unwrap_or_else(|_| (Err(Vec::new()), vec![Codec::H264]));
        let encoder = first.map_err(|rejected| tell(&rejected, warnings)).ok();
        if let Some(choice) = &encoder {
            info!(encoder = choice.name, reason = choice.reason, ?codecs, "encoder");
        }
        Self { encoder, codecs }
    }
}

/// Blocking.
fn codecs(first: Option<&EncoderChoice>, size: Size, encoders: &[String]) -> Vec<Codec> {
    let best = first.map_or(Codec::H264, |choice| choice.codec);
    let others = [Codec::H264, Codec::Vp8].into_iter().filter(|codec| *codec != best);
    let encoded = others.filter(|codec| first.is_some() && media::encodes(*codec, size, encoders));
    std::iter::once(best).chain(encoded).collect()
}

fn tell(rejected: &[Rejected], warnings: &mut Vec<String>) {
    let why: Vec<_> = rejected.iter().map(|Rejected { name, why }| format!("{name}: {why}")).collect();
    let sentence = format!("No encoder can be opened, so nothing can be streamed: {}.", why.join("; "));
    error!("{sentence}");
    warnings.push(sentence);
}
