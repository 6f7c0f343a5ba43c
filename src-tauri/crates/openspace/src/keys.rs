//! Which keys a viewer may press in OpenSpace. The grave accent opens the Lua console, which is as good as a root shell.

use std::collections::BTreeSet;

/// `code` is `KeyboardEvent.code`; `held` are the codes that are down already.
pub fn is_allowed(_code: &str, _held: &BTreeSet<String>) -> bool {
    todo!()
}
