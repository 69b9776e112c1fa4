# Functions of ./test and ./demo that get what they need; sourced, not run. Nothing is set up outside of the
# operating system's packages and this folder's build/.

say() { printf '\n== %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root; fails where that needs a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# Installs those of the arguments, COMMAND=PACKAGE, whose command is missing, in one go. What cannot be installed is
# named, and the work goes on without it.
ensure() {
  local pair packages=() known=() package
  for pair in "$@"; do
    have "${pair%%=*}" || packages+=("${pair#*=}")
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  if ! have apt-get || ! as_root true; then
    echo "not installed, and cannot be installed without root and apt: ${packages[*]}"
    return 0
  fi
  echo "installing ${packages[*]}"
  as_root apt-get update -qq </dev/null || echo "apt-get update failed; going on with the lists that are there"
  for package in "${packages[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      known+=("$package")
    else
      echo "no such package here: $package"
    fi
  done
  [ ${#known[@]} -gt 0 ] || return 0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${known[@]}" \
    </dev/null >/dev/null || echo "not everything could be installed: ${known[*]}"
}

# Installs the Python programs of tools/requirements.txt into build/venv.
ensure_venv() {
  local stamp=build/venv/requirements.txt
  cmp -s tools/requirements.txt "$stamp" && return 0
  say "Python programs into build/venv"
  rm -rf build/venv
  python3 -c 'import ensurepip' 2>/dev/null || ensure ensurepip=python3-venv
  if python3 -m venv build/venv && build/venv/bin/pip install -q -r tools/requirements.txt </dev/null; then
    cp tools/requirements.txt "$stamp"
  else
    echo "not everything of tools/requirements.txt could be installed; the tests that want it say so"
  fi
}

# Go programs with modules of their own, which stay out of tools/peers: what the tests sign with, and what reads workflows. Some
# packages are called as others are, so that each is built in a folder of its own.
ensure_go() {
  local name=$1 package=$2 version=$3
  [ "$(cat "build/peers/$name.version" 2>/dev/null)" = "$version" ] && return 0
  say "$name $version into build/peers"
  rm -rf "build/peers/$name.new"
  mkdir -p "build/peers/$name.new"
  if GOBIN="$PWD/build/peers/$name.new" go install "$package@$version" </dev/null; then
    mv "build/peers/$name.new"/* "build/peers/$name"
    echo "$version" >"build/peers/$name.version"
  else
    echo "$name could not be built; the tests that want it say so"
  fi
  rm -rf "build/peers/$name.new"
}

# Go programs of our own with many modules, so that each has its own: tools/NAME.
ensure_own() {
  local name=$1 what=$2
  cat "tools/$name/go.sum" "tools/$name/main.go" | cmp -s - "build/peers/$name.sources" && return 0
  say "$what into build/peers"
  mkdir -p build/peers
  if (cd "tools/$name" && go build -o "../../build/peers/$name" .) </dev/null; then
    cat "tools/$name/go.sum" "tools/$name/main.go" >"build/peers/$name.sources"
  else
    echo "$name could not be built; the tests that want it say so"
  fi
}

# The services of Sigstore, for signing without a key: some minutes the first time.
ensure_services() {
  ensure_go fulcio-server github.com/sigstore/fulcio v1.8.8
  ensure_go rekor-server github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix v2.3.0
  ensure_go rekor-v1-server github.com/sigstore/rekor/cmd/rekor-server v1.5.4
  ensure_own trillian "Trillian, which Rekor v1 stands on,"
  ensure_go tesseract github.com/transparency-dev/tesseract/cmd/tesseract/posix v0.1.1
  ensure_go timestamp-server github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server v2.1.3
}

# An rpm that knows databases of NDB's form, as SUSE's does: the system's own if it does, else one of its sources, built without what no
# test needs. It is called rpm-ndb.
ensure_rpm_ndb() {
  [ -x build/peers/rpm-ndb ] && return 0
  have rpm && have apt-get || return 0
  say "an rpm that knows NDB into build/peers"
  mkdir -p build/peers
  local program
  program=$(command -v rpm)
  if ! rpm --showrc | grep -q '^available backends.*ndb'; then
    program=$PWD/build/rpm-ndb/bin/rpm
    bash -c '. tools/setup.sh && build_rpm_ndb' </dev/null >build/rpm-ndb.log 2>&1 ||
      { echo "it could not be built (build/rpm-ndb.log); the tests that want it say so"; return 0; }
  fi
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$program" >build/peers/rpm-ndb
  chmod +x build/peers/rpm-ndb
}

# Fetches the sources of rpm, from the distribution's own archive, and builds them. Runs in a shell of its own.
build_rpm_ndb() {
  set -e
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends build-essential pkg-config \
    libarchive-dev libbz2-dev libcap-dev libdw-dev libelf-dev libgcrypt20-dev liblua5.3-dev liblzma-dev libmagic-dev \
    libpopt-dev libsqlite3-dev libzstd-dev zlib1g-dev
  local prefix=$PWD/build/rpm-ndb keys format options
  sources=$(mktemp -d)
  trap 'rm -rf "$sources"' EXIT
  cd "$sources"
  mkdir -p lists/partial
  keys=$(find /usr/share/keyrings -name 'debian-archive-keyring.gpg' -o -name 'ubuntu-archive-keyring.gpg' | head -1)
  # shellcheck disable=SC2016 # these are apt's
  format='$(REPO_URI) $(RELEASE) $(COMPONENT)'
  apt-get indextargets --format "deb-src [signed-by=$keys] $format" 'Created-By: Packages' |
    grep -E '/(debian|ubuntu)' | sort -u >src.list
  options=(-q -o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist="$PWD/src.list" -o Dir::State::lists="$PWD/lists"
    -o Dir::Cache="$PWD")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only rpm
  tar -xf rpm_*.orig.tar.*
  cd rpm-*/
  ./configure --prefix="$prefix" --enable-ndb --disable-plugins --disable-static --disable-nls --disable-openmp \
    LUA_CFLAGS="$(pkg-config --cflags lua5.3)" LUA_LIBS="$(pkg-config --libs lua5.3)"
  make -j"$(nproc)"
  make install
}

# Builds the Go programs of tools/peers into build/peers, which goes onto PATH: what else reads and writes what we do.
ensure_peers() {
  PATH="$PWD/build/peers:$PATH"
  ensure_rpm_ndb
  have go || return 0
  ensure_go cosign github.com/sigstore/cosign/v3/cmd/cosign v3.1.3
  ensure_services
  ensure_go actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12
  ensure_own otel-receiver "OpenTelemetry's receiver"
  ensure_go local-kms github.com/nsmithuk/local-kms v0.0.0-20260228092603-2a5e92d09ab6
  cat tools/peers/go.sum tools/peers/*/main.go | cmp -s - build/peers/sources && return 0
  say "Go programs into build/peers"
  mkdir -p build/peers
  if (cd tools/peers && go build -o ../../build/peers/ ./... oras.land/oras/cmd/oras) </dev/null; then
    cat tools/peers/go.sum tools/peers/*/main.go >build/peers/sources
  else
    echo "not everything of tools/peers could be built; the tests that want it say so"
  fi
}

# Makes cargo available: the one on PATH, that of the user's rustup, else a rustup of our own in build/.
# Which toolchain it uses is told by rust-toolchain.toml.
ensure_rust() {
  have cargo && return 0
  if [ -x "${HOME:-/nonexistent}/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
    return 0
  fi
  export RUSTUP_HOME="$PWD/build/rustup" CARGO_HOME="$PWD/build/cargo"
  PATH="$CARGO_HOME/bin:$PATH"
  have cargo && return 0
  say "installing Rust into build/"
  ensure curl=curl update-ca-certificates=ca-certificates
  mkdir -p build
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o build/rustup-init.sh
  sh build/rustup-init.sh -y --quiet --no-modify-path --profile minimal --default-toolchain none </dev/null
}
