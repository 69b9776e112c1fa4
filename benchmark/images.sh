#!/usr/bin/env bash
# Makes the images that the benchmark scans, from Debian, PyPI and npm packages, as OCI layouts under $1:
#   middle  ~250 MB compressed: Debian, a Python and a Node application
#   large   > 1 GB compressed: the same with toolchains, scientific Python and a second node_modules
# Each is made once; delete its folder to make it again. Needs mmdebstrap, python3 with pip, npm, gzip (or pigz).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$out/work
mkdir -p "$work"
say() { printf '%s\n' "$*" >&2; }

debian() { # debian NAME PACKAGES: a tar of a root filesystem
  [ -s "$work/$1.tar" ] && return
  say "making the Debian root filesystem $1"
  rm -f "$work/$1.part.tar"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Languages "none"' --include="$2" \
    --customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*' bookworm "$work/$1.part.tar"
  mv "$work/$1.part.tar" "$work/$1.tar"
}

python_packages() { # python_packages NAME REQUIREMENTS: a tree with /app/site-packages
  [ -d "$work/$1" ] && return
  say "installing Python packages for $1"
  rm -rf "$work/$1.part"
  mkdir -p "$work/$1.part/app/site-packages"
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --no-deps --no-compile --disable-pip-version-check --root-user-action=ignore \
    --target "$work/$1.part/app/site-packages" $2
  mv "$work/$1.part" "$work/$1"
}

node_packages() { # node_packages NAME FOLDER PACKAGES: a tree with /FOLDER/node_modules
  [ -d "$work/$1" ] && return
  say "installing Node packages for $1"
  rm -rf "$work/$1.part"
  mkdir -p "$work/$1.part/$2"
  # shellcheck disable=SC2086
  (cd "$work/$1.part/$2" && printf '{"name":"app","version":"1.0.0","private":true}' >package.json &&
    npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error $3)
  mv "$work/$1.part" "$work/$1"
}

base=ca-certificates
run=$base,python3,nodejs,libpq5,imagemagick,git
build=$run,gcc,g++,make,cmake,golang,default-jdk-headless,rustc,cargo,llvm-15-dev,clang-15,gfortran,texlive-latex-recommended
debian base "$base"
debian run "$run"
python_packages web "Django==3.2.0 requests==2.19.1 urllib3==1.24.1 Jinja2==2.10 PyYAML==6.0 Flask==0.12.2 Werkzeug==0.14.1 aiohttp==3.8.6 Pillow==10.0.0 lxml==4.9.3 numpy==1.26.0 pandas==2.1.0 scipy==1.11.2"
node_packages shop srv/shop "express@4.16.0 lodash@4.17.11 minimist@0.0.8 axios@0.18.0 handlebars@4.0.11 mongoose@5.7.4 sequelize@5.15.0 typescript@4.9.5 webpack@5.75.0 next@12.3.4"
[ -f "$out/middle/index.json" ] || python3 "$here/layout.py" "$out/middle" "$work/base.tar" "$work/run.tar" "$work/web" "$work/shop"
debian build "$build"
python_packages science "numpy==1.26.0 pandas==2.1.0 scipy==1.11.2 scikit-learn==1.3.0 pyarrow==13.0.0 tensorflow-cpu==2.15.0 matplotlib==3.8.0 statsmodels==0.14.0 numba==0.58.0 llvmlite==0.41.0 opencv-python-headless==4.8.0.76 xgboost==2.0.0 lightgbm==4.1.0 polars==0.19.0 duckdb==0.8.1 sympy==1.12"
node_packages admin srv/admin "react-scripts@5.0.1 aws-sdk@2.1200.0 googleapis@108.0.0 date-fns@2.29.0 typescript@4.9.5 lodash@4.17.20"
[ -f "$out/large/index.json" ] || python3 "$here/layout.py" "$out/large" "$work/base.tar" "$work/build.tar" "$work/science" "$work/web" "$work/shop" "$work/admin"
say "images are in $out"
