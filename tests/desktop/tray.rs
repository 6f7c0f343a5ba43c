//! The tray as a desktop panel sees it: a watcher that items register with, and the menu over `com.canonical.dbusmenu`.

use std::collections::HashMap;

use anyhow::{Context, Result};
use zbus::{Connection, OwnedVariant, Variant, connection, interface, proxy};

/// What a panel offers, so that there is a tray at all.
pub struct Watcher {
    _connection: Connection,
}

struct Registered(Vec<String>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Registered {
    fn register_status_notifier_item(
        &mut self,
        service: &str,
        #[zbus(header)] header: zbus::message::Header<'_>,
    ) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        self.0.push(format!("{sender}{service}"));
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.0.clone()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

impl Watcher {
    pub async fn open(address: &str) -> Result<Self> {
        let connection = connection::Builder::address(address)
            .serve_at("/StatusNotifierWatcher", Registered(Vec::new()))
            .name("org.kde.StatusNotifierWatcher")
            .build()
            .await?;
        Ok(Self { _connection: connection })
    }
}

#[proxy(
    interface = "org.kde.StatusNotifierWatcher",
    default_path = "/StatusNotifierWatcher",
    default_service = "org.kde.StatusNotifierWatcher"
)]
trait WatcherView {
    #[zbus(property(emits_changed_signal = "false"))]
    fn registered_status_notifier_items(&self) -> zbus::Result<Vec<String>>;
}

type Layout = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

#[proxy(interface = "com.canonical.dbusmenu")]
trait DbusMenu {
    fn get_layout(&self, parent: i32, depth: i32, properties: &[&str]) -> zbus::Result<(u32, Layout)>;
    fn event(&self, id: i32, event: &str, data: &Variant<'_>, timestamp: u32) -> zbus::Result<()>;
}

pub struct Tray {
    menu: DbusMenuProxy<'static>,
}

impl Tray {
    pub async fn find(address: &str) -> Result<Self> {
        let bus = connection::Builder::address(address).build().await?;
        let items = WatcherViewProxy::new(&bus).await?.registered_status_notifier_items().await?;
        let item = items.first().context("no tray item has registered")?.clone();
        let (service, path) = item.split_at(item.find('/').context("an item has a path")?);
        let menu = DbusMenuProxy::builder(&bus)
            .destination(service.to_owned())
            .path(format!("{path}/Menu"))
            .build()
            .await?;
        Ok(Self { menu })
    }

    pub async fn labels(&self) -> Result<Vec<String>> {
        Ok(self.entries().await?.into_iter().map(|(_, label)| label).collect())
    }

    pub async fn click(&self, label: &str) -> Result<()> {
        let entries = self.entries().await?;
        let (id, _) = entries
            .iter()
            .find(|(_, text)| text == label)
            .with_context(|| format!("{label}: {entries:?}"))?;
        Ok(self.menu.event(*id, "clicked", &Variant::from(0), 0).await?)
    }

    async fn entries(&self) -> Result<Vec<(i32, String)>> {
        let (_, layout) = self.menu.get_layout(0, -1, &[]).await?;
        let mut entries = Vec::new();
        collect(&layout, &mut entries)?;
        Ok(entries)
    }
}

fn collect((id, properties, children): &Layout, entries: &mut Vec<(i32, String)>) -> Result<()> {
    if let Some(label) = properties.get("label") {
        entries.push((*id, String::try_from(label.try_clone()?)?.replace('_', "")));
    }
    for child in children {
        collect(&Layout::try_from(child.try_clone()?)?, entries)?;
    }
    Ok(())
}
