//! Against stand-ins that speak each cloud's protocol, and against everything else that may answer in their place.

use e2e::cloud::{Cloud, Kind};

use super::*;

async fn ask(kind: Kind) -> Result<(&'static str, Whereabouts), Asked> {
    let cloud = Cloud::start(kind).await.unwrap();
    Clouds::new(&cloud.base)?.ask_all().await
}

fn at(region: &str, address: Option<&str>) -> Whereabouts {
    Whereabouts { region: Some(region.to_owned()), address: address.map(|text| text.parse().unwrap()) }
}

#[tokio::test]
async fn each_cloud_tells_region_and_address_in_its_own_protocol() {
    for (kind, cloud, found) in [
        (Kind::Amazon, "Amazon", at("eu-north-1", Some("203.0.113.7"))),
        (Kind::AmazonInside, "Amazon", at("eu-north-1", None)),
        (Kind::Google, "Google", at("europe-north1", Some("203.0.113.8"))),
        (Kind::Azure, "Azure", at("northeurope", Some("203.0.113.9"))),
    ] {
        assert_eq!(ask(kind).await, Ok((cloud, found)), "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_no_cloud_is_passed_over_with_a_reason() {
    for (kind, says) in [
        (Kind::Portal, "it gives no token"),
        (Kind::Redirect, "it answers 302"),
        (Kind::Flood, "it has too much to say"),
        (Kind::Garbage, "it speaks no HTTP"),
        (Kind::HangsUp, "it speaks no HTTP"),
    ] {
        let Err(Asked::Odd(why)) = ask(kind).await else { panic!("{kind:?} is taken for a cloud") };
        assert!(why.contains(says), "{kind:?}: {why}");
        assert!(!why.contains('<') && why.len() < 200, "{why}");
    }
    // A question that vanishes is given up.
    let vanishes = Cloud::start(Kind::Silent).await.unwrap();
    assert_eq!(find(&vanishes.base).await, Whereabouts::default());
    assert_eq!(ask(Kind::Silent).await, Err(Asked::Silent));
    let nobody = Clouds::new("http://127.0.0.1:1").unwrap().ask_all().await;
    assert_eq!(nobody, Err(Asked::Silent));
    assert!(matches!(Clouds::new("no address").unwrap().ask_all().await, Err(Asked::Odd(_))));
}

#[tokio::test]
async fn what_the_configuration_says_counts_and_nobody_waits() {
    let cloud = Cloud::start(Kind::Google).await.unwrap();
    let here = |sets: &[&str]| {
        let metadata = format!("server.metadata={}", cloud.base);
        let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).chain([metadata]).collect();
        Here::open(&crate::Config::load(None, &sets).unwrap())
    };
    let mut found = here(&[]);
    assert!(!found.is_known() && found.region().is_none(), "the answer is not waited for");
    found.known().await;
    assert_eq!(found.region().as_deref(), Some("europe-north1"));
    let mut told = here(&["server.region=dome"]);
    assert_eq!(told.region().as_deref(), Some("dome"));
    told.known().await;
    assert_eq!(told.region().as_deref(), Some("dome"));
    assert_eq!(told.address(), "203.0.113.8".parse().ok());
    let all = here(&["server.region=dome", "media.addresses=[\"198.51.100.1\"]"]);
    assert!(all.is_known() && all.address().is_none(), "nobody is asked");
    let off = Here::open(&crate::Config::load(None, &["server.metadata=".to_owned()]).unwrap());
    assert!(off.is_known() && off.region().is_none());
}
