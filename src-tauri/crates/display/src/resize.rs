//! Gives a display another size while programs run on it, by RandR.
//!
//! Xvfb has one output and one mode, that of its beginning. A mode of the wanted size is made, and the one before it goes.

use anyhow::Context;
use model::{DisplayAddress, Size};
use x11rb::{
    connection::Connection,
    protocol::{
        randr::{ConnectionExt as _, GetScreenResourcesReply, Mode, ModeInfo, Rotation},
        xproto::ConnectionExt as _,
    },
};

use crate::wire::Wire;

/// Modes of ours are told apart from the server's own by their names.
const PREFIX: &str = "openspace-";
/// Dots of X per inch that programs are told, as the server is started with.
const DOTS_PER_INCH: u32 = 96;

/// Makes the display `size` large; its main window follows. Answers with the size that it had. Blocks for some round trips.
///
/// # Errors
/// A sentence: the display is gone, or has no RandR that takes this size.
pub fn resize(address: &DisplayAddress, size: Size) -> anyhow::Result<Size> {
    let wire = Wire::connect(address)?;
    let root = wire.conn.get_geometry(wire.root)?.reply()?;
    let before = Size::new(root.width.into(), root.height.into());
    if before != size {
        change(&wire, size)
            .with_context(|| format!("display {} cannot be made {size} large", address.name()))?;
    }
    Ok(before)
}

fn change(wire: &Wire, size: Size) -> anyhow::Result<()> {
    let (conn, root) = (&wire.conn, wire.root);
    conn.randr_query_version(1, 4)?.reply()?;
    let known = conn.randr_get_screen_resources(root)?.reply()?;
    let (crtc, output) = known.crtcs.first().zip(known.outputs.first()).context("it has no output")?;
    let mode = match mode_of(&known, size) {
        Some(mode) => mode,
        None => {
            let name = format!("{PREFIX}{size}");
            let mode = conn.randr_create_mode(root, described(size, &name), name.as_bytes())?.reply()?.mode;
            conn.randr_add_output_mode(*output, mode)?.check()?;
            mode
        }
    };
    let millimetres = |dots: u32| (dots * 254).div_ceil(DOTS_PER_INCH * 10);
    let (width, height) = (u16::try_from(size.width)?, u16::try_from(size.height)?);
    // Nobody is to see it half done: without an output, or with one that reaches beyond the screen.
    conn.grab_server()?;
    let set = |mode: Mode, outputs: &[u32]| -> anyhow::Result<()> {
        let time = known.config_timestamp;
        let done =
            conn.randr_set_crtc_config(*crtc, 0, time, 0, 0, mode, Rotation::ROTATE0, outputs)?.reply()?;
        anyhow::ensure!(u8::from(done.status) == 0, "its output takes no other mode: {:?}", done.status);
        Ok(())
    };
    let resized = set(x11rb::NONE, &[]).and_then(|()| {
        let (wide, high) = (millimetres(size.width), millimetres(size.height));
        Ok(conn.randr_set_screen_size(root, width, height, wide, high)?.check()?)
    });
    let lit = set(mode, &[*output]);
    conn.ungrab_server()?;
    resized.and(lit)?;
    forget_others(wire, &known, *output, mode)?;
    conn.flush()?;
    Ok(())
}

/// A mode that is there already: the server's own, or one of ours.
fn mode_of(known: &GetScreenResourcesReply, size: Size) -> Option<Mode> {
    let fits =
        |mode: &&ModeInfo| (u32::from(mode.width), u32::from(mode.height)) == (size.width, size.height);
    known.modes.iter().find(fits).map(|mode| mode.id)
}

/// Somebody who drags a window's edge would leave a mode for each size behind.
fn forget_others(
    wire: &Wire,
    known: &GetScreenResourcesReply,
    output: u32,
    current: Mode,
) -> anyhow::Result<()> {
    let mut names = &known.names[..];
    for mode in &known.modes {
        let (name, rest) = names.split_at_checked(mode.name_len.into()).unwrap_or_default();
        names = rest;
        if name.starts_with(PREFIX.as_bytes()) && mode.id != current {
            wire.conn.randr_delete_output_mode(output, mode.id)?.check()?;
            wire.conn.randr_destroy_mode(mode.id)?.check()?;
        }
    }
    Ok(())
}

/// 60 Hz; nothing is ever shown at that rate, and programs divide by it.
fn described(size: Size, name: &str) -> ModeInfo {
    ModeInfo {
        width: size.width as u16,
        height: size.height as u16,
        htotal: size.width as u16,
        vtotal: size.height as u16,
        dot_clock: size.width * size.height * 60,
        name_len: name.len() as u16,
        ..Default::default()
    }
}
