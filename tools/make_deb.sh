#!/usr/bin/env bash
# Builds dist/dialer_VERSION_ARCH.deb from this tree, with dpkg-deb alone. The package runs on the
# distribution's Python, /usr/bin/pythonX.Y; where .venv has another one (even another patch level
# means other packages in the lock) an environment is made for it under build/.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
stop() { echo "make deb: $1" >&2; exit 1; }
command -v dpkg-deb >/dev/null || stop "dpkg-deb is missing: a .deb is built on Debian or Ubuntu"

system=${PACKAGE_PYTHON:-/usr/bin/python3}
full='import sys; print("%d.%d.%d" % sys.version_info[:3])'
[ -x "$system" ] || stop "$system is missing: the package runs on the distribution's Python"
if [ "$($python -c "$full")" != "$($system -c "$full")" ]; then
    if [ ! -e build/package/.ready ] || [ requirements.lock -nt build/package/.ready ]; then
        mkdir -p build
        bash tools/make_environment.sh "$system" build/package
    fi
    python=build/package/bin/python
fi
patch=$($system -c "$full")
minor=$($python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
version=$($python -c 'import dialer; print(dialer.__version__)')${DEB_REVISION:+-$DEB_REVISION}
arch=$(dpkg --print-architecture)
out=${1:-dist}/dialer_${version}_${arch}.deb
tree=$(mktemp -d /tmp/dialer-deb.XXXXXX)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"

umask 022
$python tools/install_tree.py --destdir "$tree" --prefix /usr --python "/usr/bin/$minor"
mkdir -p "$tree/DEBIAN" "$tree/usr/share/lintian/overrides"
install -m 755 systemd/debian/postinst systemd/debian/prerm systemd/debian/postrm "$tree/DEBIAN/"
install -m 644 systemd/debian/copyright "$tree/usr/share/doc/dialer/copyright"
install -m 644 systemd/debian/lintian-overrides "$tree/usr/share/lintian/overrides/dialer"
chmod 750 "$tree/etc/dialer" "$tree/etc/dialer/secrets" "$tree/etc/dialer/campaigns"
(cd "$tree" && find etc -type f | sort | sed 's|^|/|') >"$tree/DEBIAN/conffiles"
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
size=$(du -sk --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s/@version@/$version/" -e "s/@arch@/$arch/" -e "s/@python@/$minor/" -e "s/@size@/$size/" -e "s/@patch@/$patch/" \
    systemd/debian/control >"$tree/DEBIAN/control"
mkdir -p "$(dirname "$out")"
dpkg-deb --root-owner-group -Zxz -z"${DEB_COMPRESSION:-6}" --build "$tree" "$out" >/dev/null
echo "$out"
