# Sourced by the scripts: installs what is missing, by name, and says so. Nothing is installed twice.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export CARGO_TERM_PROGRESS_WHEN=never

say() { printf '\033[1m» %s\033[0m\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# What the programs are built of, and what they need to run.
BUILD_PACKAGES="build-essential pkg-config libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev libssl-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev"
RUN_PACKAGES="xvfb gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
  libgl1-mesa-dri"
# What programs are heard through; without it they run silently.
SOUND_PACKAGES="pulseaudio"
# What the tests drive: a browser, a WebKit window, a tray, a real planetarium, a real Postgres.
TEST_PACKAGES="chromium chromium-driver webkit2gtk-driver dbus dbus-x11 xauth xdotool x11-utils imagemagick fonts-dejavu-core
  stellarium python3-venv postgresql cmake pulseaudio pulseaudio-utils iproute2 faketime"

# Tested with where the distribution has them as packages: Ubuntu's Firefox is a snap.
OPTIONAL_TEST_PACKAGES="firefox-esr"

# Those of the packages that the known sources have.
to_be_had() {
  local package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then echo "$package"; fi
  done
}

# Those of the packages that take no other's place, such as that of a desktop's own sound server.
that_remove_nothing() {
  local package
  for package in "$@"; do
    if apt-get -s install --no-install-recommends "$package" 2>/dev/null | grep -q '^Remv '; then
      say "leaving out $package, which would remove other packages" >&2
    else
      echo "$package"
    fi
  done
}

need_packages() {
  command -v apt-get >/dev/null || die "this script installs with apt (Debian 12, Ubuntu 24.04). Elsewhere install the like of: $*"
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "installing ${missing[*]}"
  as_root apt-get -o DPkg::Lock::Timeout=400 -qq update
  DEBIAN_FRONTEND=noninteractive as_root apt-get -o DPkg::Lock::Timeout=400 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_toolchains() {
  command -v cargo >/dev/null || die "Rust is missing: install it from https://rustup.rs, then run this again"
  command -v npm >/dev/null || die "Node.js is missing: install version 20 or later, then run this again"
}

# The pages are built into the programs, so they come first.
build_pages() {
  if [ ! -d ui/node_modules ] || [ ui/package-lock.json -nt ui/node_modules/.package-lock.json ]; then
    say "installing the pages' libraries"
    npm --prefix ui ci --no-audit --no-fund --silent
  fi
  if [ ! -f ui/dist/index.html ] || [ -n "$(find ui/src ui/*.html ui/package.json ui/vite.config.ts -newer ui/dist/index.html -print -quit 2>/dev/null)" ]; then
    say "building the pages"
    npm --prefix ui run --silent build
  fi
}
