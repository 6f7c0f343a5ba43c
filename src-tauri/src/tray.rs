//! The tray: what is in its menu is decided by [`menu`]; here it is shown, and its clicks are carried out.

mod menu;

use std::time::Duration;

use futures_util::StreamExt;
use protocol::admin::{AdminCommand, AdminReply};
use tauri::{
    AppHandle, Manager, Wry,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{TrayIcon, TrayIconBuilder},
};
use tracing::{info, warn};

use self::menu::{Action, Item};
use crate::{commands::Desk, link::Link, window};

const RETRY_AFTER: Duration = Duration::from_secs(2);

pub fn open(app: &AppHandle) -> tauri::Result<()> {
    let items = menu::items(None);
    let tray = TrayIconBuilder::with_id("main")
        .tooltip("OpenSpace WebRTC")
        .menu(&build(app, &items)?)
        .show_menu_on_left_click(true)
        .on_menu_event(|app, event| clicked(app, event.id().as_ref()));
    let tray = match app.default_window_icon() {
        Some(icon) => tray.icon(icon.clone()),
        None => tray,
    };
    let tray = tray.build(app)?;
    if let Ok(link) = app.state::<Desk>().link.clone() {
        tauri::async_runtime::spawn(follow(app.clone(), tray, link, items));
    }
    Ok(())
}

/// Draws the menu anew when the machine has changed, and only then: a menu that is open would close.
async fn follow(app: AppHandle, tray: TrayIcon, link: Link, mut shown: Vec<Item>) {
    loop {
        match link.snapshots().await {
            Ok(mut snapshots) => {
                while let Some(snapshot) = snapshots.next().await {
                    let items = menu::items(Some(&snapshot));
                    if items != shown
                        && let Ok(menu) = build(&app, &items)
                    {
                        drop(tray.set_menu(Some(menu)));
                        shown = items;
                    }
                }
            }
            Err(error) => warn!(error = format!("{error:#}"), "the tray has lost the node"),
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

fn build(app: &AppHandle, items: &[Item]) -> tauri::Result<Menu<Wry>> {
    let items = items.iter().map(|item| native(app, item)).collect::<tauri::Result<Vec<_>>>()?;
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    Menu::with_items(app, &items)
}

fn native(app: &AppHandle, item: &Item) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
    Ok(match item {
        Item::Line => Box::new(PredefinedMenuItem::separator(app)?),
        Item::Label(text) => Box::new(MenuItem::new(app, text, false, None::<&str>)?),
        Item::Entry { text, action } => {
            Box::new(MenuItem::with_id(app, action.to_id(), text, true, None::<&str>)?)
        }
        Item::Group { text, items } => {
            let items = items.iter().map(|item| native(app, item)).collect::<tauri::Result<Vec<_>>>()?;
            let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
            Box::new(Submenu::with_items(app, text, true, &items)?)
        }
    })
}

fn clicked(app: &AppHandle, id: &str) {
    let Some(action) = Action::from_id(id) else { return };
    info!(?action, "tray");
    match action {
        Action::ShowPanel => window::show(app),
        Action::Quit => app.exit(0),
        Action::OpenHome => carry_out(app, |link| async move { browse(&link, "/") }),
        Action::Open(instance) => carry_out(app, move |link| async move {
            let made = link.invite(instance).await?;
            browse(&link, &made.url)
        }),
        Action::Launch(build) => carry_out(app, move |link| async move {
            let launch = AdminCommand::Launch { build: Some(build), profile: None };
            let reply = link.command(&launch).await?;
            if let AdminReply::Launched { instance_id, .. } = reply {
                info!(instance = %instance_id, "launched from the tray");
            }
            Ok(())
        }),
        Action::Stop(instance_id) => carry_out(app, move |link| async move {
            link.command(&AdminCommand::Stop { instance_id }).await.map(drop)
        }),
    }
}

fn carry_out<F>(app: &AppHandle, deed: impl FnOnce(Link) -> F + Send + 'static)
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let Ok(link) = app.state::<Desk>().link.clone() else { return };
    tauri::async_runtime::spawn(async move {
        if let Err(error) = deed(link).await {
            warn!(error = format!("{error:#}"), "the tray's wish was not fulfilled");
        }
    });
}

fn browse(link: &Link, path: &str) -> anyhow::Result<()> {
    Ok(open::that_detached(format!("{}{path}", link.base_url))?)
}
