//! The questions, in each cloud's own words.

use std::{net::IpAddr, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect::Policy};

use super::{Whereabouts, answer};

const CONNECT_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Regions, addresses and tokens are short; whatever is longer is something else.
const BYTES_MAX: usize = 4096;
/// Amazon's token is used at once.
const TOKEN_TTL_S: &str = "60";
const AZURE_VERSION: &str = "2021-02-01";

/// Why nothing was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nobody is there.
    Silent,
    /// Somebody is, but no cloud.
    Odd(String),
}

type Answer<T> = Result<T, Asked>;

pub(super) struct Clouds {
    client: Client,
    base: String,
}

impl Clouds {
    pub(super) fn new(base: &str) -> Answer<Self> {
        // A cloud's service is beside the machine: no proxy stands between, and it sends nobody on.
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| Asked::Odd(error.to_string()))?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// The first that answers as it should; else what was odd about all.
    pub(super) async fn ask_all(&self) -> Answer<(&'static str, Whereabouts)> {
        let (amazon, google, azure) = tokio::join!(self.amazon(), self.google(), self.azure());
        let mut odd = Vec::new();
        for (cloud, answer) in [("Amazon", amazon), ("Google", google), ("Azure", azure)] {
            match answer {
                Ok(found) => return Ok((cloud, found)),
                Err(Asked::Silent) => {}
                Err(Asked::Odd(why)) => odd.push(format!("{cloud}: {why}")),
            }
        }
        Err(if odd.is_empty() { Asked::Silent } else { Asked::Odd(odd.join("; ")) })
    }

    /// Version 2 of its service: a token first, without which nothing is told.
    async fn amazon(&self) -> Answer<Whereabouts> {
        let ask = self.request(Method::PUT, "/latest/api/token");
        let token = text(ask.header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_S)).await?;
        let token = answer::token(&token).ok_or_else(|| odd("it gives no token"))?;
        let get = |path| self.request(Method::GET, path).header("x-aws-ec2-metadata-token", token);
        let region = text(get("/latest/meta-data/placement/region")).await?;
        let region = answer::amazon_region(&region).ok_or_else(|| odd("it names no region"))?;
        // A machine without a public address has no such page.
        let address = public(get("/latest/meta-data/public-ipv4")).await;
        Ok(Whereabouts { region: Some(region), address })
    }

    async fn google(&self) -> Answer<Whereabouts> {
        let get = |path: &str| {
            let path = format!("/computeMetadata/v1/instance/{path}");
            self.request(Method::GET, &path).header("metadata-flavor", "Google")
        };
        let answer = answer(get("zone")).await?;
        // Its sign that it is not somebody else who happens to live at this address.
        if answer.headers().get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
            return Err(odd("it does not sign as Google"));
        }
        let region = answer::google_region(&body(answer).await?).ok_or_else(|| odd("it names no zone"))?;
        let address = public(get("network-interfaces/0/access-configs/0/external-ip")).await;
        Ok(Whereabouts { region: Some(region), address })
    }

    async fn azure(&self) -> Answer<Whereabouts> {
        let get = |path: &str, format: &str| {
            let path = format!("/metadata/{path}?api-version={AZURE_VERSION}&format={format}");
            self.request(Method::GET, &path).header("metadata", "true")
        };
        let region = text(get("instance/compute/location", "text")).await?;
        let region = answer::azure_region(&region).ok_or_else(|| odd("it names no location"))?;
        let own = get("instance/network/interface/0/ipv4/ipAddress/0/publicIpAddress", "text");
        let address = match public(own).await {
            Some(address) => Some(address),
            // Addresses of the newer kind are told by the load balancer's page, even without one.
            None => {
                text(get("loadbalancer", "json")).await.ok().and_then(|told| answer::azure_balancer(&told))
            }
        };
        Ok(Whereabouts { region: Some(region), address })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }
}

async fn public(ask: RequestBuilder) -> Option<IpAddr> {
    text(ask).await.ok().and_then(|told| answer::public_address(&told))
}

async fn text(ask: RequestBuilder) -> Answer<String> {
    body(answer(ask).await?).await
}

async fn answer(ask: RequestBuilder) -> Answer<Response> {
    let answer = ask.send().await.map_err(|error| {
        if error.is_connect() || error.is_timeout() { Asked::Silent } else { odd("it speaks no HTTP") }
    })?;
    match answer.status() {
        StatusCode::OK => Ok(answer),
        other => Err(odd(&format!("it answers {}", other.as_u16()))),
    }
}

async fn body(mut answer: Response) -> Answer<String> {
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(|_| odd("it breaks off"))? {
        bytes.extend_from_slice(&more);
        if bytes.len() > BYTES_MAX {
            return Err(odd("it has too much to say"));
        }
    }
    String::from_utf8(bytes).map_err(|_| odd("it speaks no text"))
}

fn odd(why: &str) -> Asked {
    Asked::Odd(why.to_owned())
}
