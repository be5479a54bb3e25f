#!/bin/sh
# shellcheck shell=dash
#
# Installs webdir-provider as a provider of a 1C-Bitrix web environment; `usage` below has the flags.
# All code is in functions and the last line calls main, so that half a file does nothing.
# Nothing is changed before all flags and needs were checked. A file is replaced by rename only.

set -eu

usage() {
    cat <<'END'
Usage: ./install.sh --name NAME [FLAGS]
       ./install.sh --name NAME --archive FILE.tar.gz [FLAGS]
       ./install.sh --name NAME --uninstall [--purge]
       ./install.sh --demo [FLAGS]

Installs the provider NAME as ROOT/providers/NAME, or upgrades it in place.

  --name NAME             letters, digits, '.', '_' and '-', at most 64
  --definition NAME|FILE  a built-in definition or a file, which is copied to etc/ (default: inventory)
  --root DIR              the web environment (default: /opt/webdir)
  --from BINARY           the executable to install (default: the package's, or one that cargo builds)
  --archive FILE.tar.gz   write what 'bx-provider -a install --archive' takes, and install nothing
  --timer                 let systemd or cron run 'work --once' every minute and after a boot
  --uninstall             remove the executable and the timer; keep etc/ and state/
  --purge                 with --uninstall: remove everything, unless orders are open or deliveries
                          of webhooks are pending
  --dry-run               say what would be done, change nothing
  --demo                  install the provider 'demo' under target/webdir (from a package: under
                          webdir-demo in the current folder) and order a server
  --help                  this text

An upgrade without --definition leaves etc/ as it is. With it, an edited configuration is never
overwritten: the new one is laid beside it as FILE.new.
Exit status: 0 done, 1 something is missing or failed, 2 the flags are wrong.
END
}

# --- saying and doing ---------------------------------------------------------------------------

say() { printf '%-16s%s\n' "$1" "$2"; }

warn() { printf '%-16s%s\n' warning "$1" >&2; }

die() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

# act LABEL TEXT COMMAND…: says what is done and does it; with --dry-run only says it.
act() {
    say "${dry_run:+would }$1" "$2"
    shift 2
    [ -n "$dry_run" ] || "$@"
}

# Problems are collected, so that a person hears of all of them at once.
missing() {
    problems="$problems
  - $1"
    [ "$problem_status" -ne 0 ] || problem_status=1
}

misuse() {
    missing "$1"
    problem_status=2
}

stop_on_problems() {
    [ "$problem_status" -ne 0 ] || return 0
    printf 'install.sh: nothing was done, because:%s\n' "$problems" >&2
    [ "$problem_status" -ne 2 ] || printf 'Try: ./install.sh --help\n' >&2
    exit "$problem_status"
}

# --- flags --------------------------------------------------------------------------------------

prepare() {
    umask 077
    LC_ALL=C
    export LC_ALL
    unset CDPATH
    name='' definition='' root='' from='' archive=''
    timer='' uninstall='' purge='' dry_run='' demo=''
    problems='' problem_status=0
    work='' temporary=''
    uid=$(id -u)
    script=$(readlink -f -- "$0") || script=$0
    project=$(cd -- "$(dirname -- "$script")" && pwd -P)
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
}

clean_up() {
    [ -z "$temporary" ] || rm -f -- "$temporary"
    [ -z "$work" ] || rm -rf -- "$work"
}

read_flags() {
    while [ $# -gt 0 ]; do
        case $1 in
            --name | --definition | --root | --from | --archive)
                case ${2-} in
                    '' | --*) misuse "$1 needs a value" ;;
                    *) set_value "$1" "$2" && shift ;;
                esac
                ;;
            --name=* | --definition=* | --root=* | --from=* | --archive=*)
                set_value "${1%%=*}" "${1#*=}"
                ;;
            --timer) timer=yes ;;
            --uninstall) uninstall=yes ;;
            --purge) purge=yes ;;
            --dry-run) dry_run=yes ;;
            --demo) demo=yes ;;
            --help | -h)
                usage
                exit 0
                ;;
            --timer=* | --uninstall=* | --purge=* | --dry-run=* | --demo=* | --help=*)
                misuse "${1%%=*} takes no value"
                ;;
            '') misuse "an empty argument is not understood" ;;
            *) misuse "unknown flag: $1" ;;
        esac
        shift
    done
}

set_value() {
    case $2 in
        '') misuse "$1 needs a value" ;;
        *[[:cntrl:]]*) misuse "$1 has a control character in its value" ;;
    esac
    case $1 in
        --name) name=$2 ;;
        --definition) definition=$2 ;;
        --root) root=$(absolute "$2") ;;
        --from) from=$(absolute "$2") ;;
        --archive) archive=$(absolute "$2") ;;
    esac
}

absolute() {
    case $1 in
        /*) printf '%s' "$1" ;;
        *) printf '%s/%s' "$PWD" "$1" ;;
    esac
}

# A name becomes file names, a shell word and a line of JSON: plain characters only.
is_plain_name() {
    case $1 in
        '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) return 1 ;;
    esac
    [ "${#1}" -le 64 ]
}

check_flags() {
    if [ -n "$demo" ]; then
        [ -z "$name" ] || [ "$name" = demo ] || misuse "--demo installs the provider 'demo', not --name $name"
        refuse_with --demo "${definition:+--definition}" "${archive:+--archive}" "${timer:+--timer}" \
            "${uninstall:+--uninstall}" "${purge:+--purge}"
        name=demo
    elif [ -z "$name" ]; then
        misuse "--name NAME is missing"
    fi
    if [ -n "$uninstall" ]; then
        refuse_with --uninstall "${definition:+--definition}" "${from:+--from}" \
            "${archive:+--archive}" "${timer:+--timer}"
    elif [ -n "$purge" ] && [ -z "$demo" ]; then
        misuse "--purge goes with --uninstall only"
    fi
    if [ -n "$archive" ]; then
        refuse_with --archive "${timer:+--timer}"
        [ "${archive%.tar.gz}" != "$archive" ] || misuse "--archive must end in .tar.gz: $archive"
        [ -z "$root" ] || say note "--root is not used: an archive is unpacked wherever the panel is"
    fi
    [ -z "$name" ] || is_plain_name "$name" ||
        misuse "--name must be a letter or digit, then up to 63 letters, digits, '.', '_' and '-': $name"
}

# refuse_with FLAG [OTHER]…: each other flag that was given contradicts FLAG.
refuse_with() {
    refused_with=$1
    shift
    for flag in "$@"; do
        [ -z "$flag" ] || misuse "$flag contradicts $refused_with"
    done
}

complete_flags() {
    chosen=$definition
    definition=${definition:-inventory}
    definition_file=''
    packed=$(packed_executable)
    [ -n "$from" ] || [ -n "$uninstall" ] || from=$packed
    if [ -z "$root" ]; then
        root=/opt/webdir
        [ -z "$demo" ] || root=${packed:+$PWD/webdir-demo}
        root=${root:-$project/target/webdir}
    fi
    while [ "${root%/}" != "$root" ]; do root=${root%/}; done
    providers=$root/providers
    holder=$providers/$name
    marker="# Made by install.sh of webdir-provider for '$holder'"
    systemd_units=/etc/systemd/system/webdir-provider-$name
    # cron passes over files with a dot in their name.
    cron_file=/etc/cron.d/webdir-provider-$(printf '%s' "$name" | tr . _)
}

# Prints the executable that came with this script: beside it in a .tar.gz, in ../../bin of a package.
# In a clone there is none, and cargo builds one.
packed_executable() {
    [ ! -f "$project/Cargo.toml" ] || return 0
    for candidate in "$project/webdir-provider" "${project%/share/webdir-provider}/bin/webdir-provider"; do
        [ ! -f "$candidate" ] || [ ! -x "$candidate" ] || { printf '%s' "$candidate" && return 0; }
    done
}

# --- what must be there -------------------------------------------------------------------------

check_needs() {
    for command in cmp find grep mktemp sed stat; do need_command "$command"; done
    if [ -z "$uninstall" ]; then
        check_definition
        if [ -n "$from" ]; then check_from; else check_build; fi
    fi
    if [ -n "$archive" ]; then
        check_archive
    elif is_plain_name "$name"; then
        check_holder
    fi
    [ -z "$timer" ] || check_timer
}

need_command() { command -v "$1" >/dev/null 2>&1 || missing "the command $1 is not installed"; }

check_definition() {
    case $definition in
        */* | *.json) definition_file=$definition ;;
        *) is_plain_name "$definition" || misuse "--definition is neither a plain name nor a file: $definition" ;;
    esac
    [ -n "$definition_file" ] || return 0
    definition=$(basename -- "$definition_file")
    is_plain_name "$definition" ||
        misuse "a definition's file name may hold letters, digits, '.', '_' and '-' only: $definition"
    case $definition in
        inventory.json | webhooks.json | "$name.conf" | *.new)
            misuse "etc/$definition has another meaning: rename the definition's file" ;;
    esac
    if [ ! -f "$definition_file" ] || [ ! -r "$definition_file" ]; then
        missing "the definition cannot be read: $definition_file"
    fi
}

check_from() {
    if [ ! -f "$from" ]; then
        missing "--from is not a file: $from"
    elif [ ! -r "$from" ] || [ ! -x "$from" ]; then
        missing "--from cannot be read and executed: $from"
    fi
}

check_build() {
    # A fresh rustup is in the PATH of new shells only, and not in that of sudo.
    if ! command -v cargo >/dev/null 2>&1; then
        PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
        export PATH
    fi
    [ -f "$project/Cargo.toml" ] || missing "there is nothing to build beside this script: no Cargo.toml in $project"
    command -v cargo >/dev/null 2>&1 || missing "cargo is not installed for $(id -un); Rust is needed to build, or --from BINARY of one that is built"
    command -v cc >/dev/null 2>&1 || missing "no C compiler: the command cc is needed to build; install gcc or clang"
}

check_archive() {
    archive_folder=$(dirname -- "$archive")
    need_command gzip
    tar --version 2>/dev/null | grep -q 'GNU tar' || missing "GNU tar is not installed"
    if [ ! -d "$archive_folder" ]; then
        missing "the archive's folder does not exist: $archive_folder"
    elif [ ! -w "$archive_folder" ] || [ ! -x "$archive_folder" ]; then
        missing "the archive's folder is not writable: $archive_folder"
    fi
    [ ! -d "$archive" ] || missing "the archive's name is that of a folder: $archive"
}

check_holder() {
    if [ -L "$holder" ]; then
        missing "$holder is a symbolic link, and this script follows none"
    elif [ -d "$holder" ]; then
        if [ "$uid" -ne 0 ] && [ ! -O "$holder" ]; then
            missing "$holder belongs to $(stat -c %U -- "$holder"): run this as that user or as root"
            return 0
        fi
        for problem in $(odd_parts); do
            missing "$holder/$problem is not what an installation has there (a symbolic link, or of another kind)"
        done
        [ -z "$uninstall" ] || looks_like_ours ||
            missing "$holder does not look like a provider: neither bin/$name nor state/ is there"
        [ -z "$demo" ] || [ -f "$holder/.demo" ] ||
            missing "$holder was not made by --demo: move it away, or give another --root"
        if [ -n "$purge" ] && [ ! -w "$providers" ]; then
            missing "$providers cannot be changed by you, so that $holder cannot be removed: run this as root"
        fi
    elif [ -e "$holder" ]; then
        missing "$holder is in the way: not a folder"
    elif [ -z "$uninstall" ]; then
        check_place
    fi
}

# Finds the nearest folder that exists above the holder, where the new ones will be made.
check_place() {
    place=$providers
    while [ ! -e "$place" ] && [ ! -L "$place" ]; do place=$(dirname -- "$place"); done
    if [ ! -d "$place" ]; then
        missing "$place is in the way: not a folder"
    elif [ ! -w "$place" ] || [ ! -x "$place" ]; then
        missing "$place is not writable: run this as its owner, or name another folder by --root"
    fi
}

# Prints the parts of the holder through which a write or a removal could go astray.
odd_parts() {
    for part in bin etc state; do
        if [ -L "$holder/$part" ] || { [ -e "$holder/$part" ] && [ ! -d "$holder/$part" ]; }; then
            printf '%s\n' "$part"
        fi
    done
    if [ -d "$holder/bin/$name" ]; then printf 'bin/%s\n' "$name"; fi
}

# What a killed --purge leaves has state/, or nothing.
looks_like_ours() {
    [ -e "$holder/bin/$name" ] || [ -L "$holder/bin/$name" ] || [ -d "$holder/state" ] ||
        [ -z "$(ls -A -- "$holder")" ]
}

# --- the executable -----------------------------------------------------------------------------

obtain_binary() {
    binary=$from
    [ -z "$binary" ] || return 0
    rust_target=$(musl_target)
    if [ -z "$rust_target" ]; then
        say note "no Rust target for musl is installed, so this builds a dynamic executable; for a static one: rustup target add $(uname -m)-unknown-linux-musl"
    fi
    act build "webdir-provider${rust_target:+ for $rust_target}" build
}

# Prints the target for a static executable, where its standard library is installed.
musl_target() {
    machine=$(uname -m)
    case $machine in
        x86_64 | aarch64) ;;
        *) return 0 ;;
    esac
    library=$(cd "$project" && rustc --print target-libdir --target "$machine-unknown-linux-musl" 2>/dev/null) || return 0
    [ ! -d "$library" ] || printf '%s' "$machine-unknown-linux-musl"
}

build() {
    set -- build --release --locked --bin webdir-provider --message-format json-render-diagnostics
    [ -z "$rust_target" ] || set -- "$@" --target "$rust_target"
    [ -z "${CARGO_TARGET_DIR-}" ] || CARGO_TARGET_DIR=$(absolute "$CARGO_TARGET_DIR")
    messages=$(cd "$project" && umask 022 && choose_c_compiler && cargo "$@") || die "the build failed"
    binary=$(printf '%s\n' "$messages" | sed -n 's|.*"executable":"\([^"]*/webdir-provider\)".*|\1|p')
    [ -x "$binary" ] || die "the build did not say where the executable is"
}

# The C parts of the tree include no header of the C library that differs between glibc and musl, so
# the plain compiler serves where musl's wrapper is not installed. Its default of checked functions
# is switched off, since musl lacks them.
choose_c_compiler() {
    [ -n "$rust_target" ] && [ -z "${TARGET_CC-}${CC-}" ] || return 0
    ! command -v "${rust_target%%-*}-linux-musl-gcc" >/dev/null 2>&1 || return 0
    variable=$(printf '%s' "$rust_target" | tr - _)
    ! printenv "CC_$variable" >/dev/null || return 0
    compiler=cc
    ! command -v musl-gcc >/dev/null 2>&1 || compiler=musl-gcc
    export "CC_$variable=$compiler" "CFLAGS_$variable=-U_FORTIFY_SOURCE"
}

# --- the files ----------------------------------------------------------------------------------

# Lays all files of etc/ into a folder of our own: from there they are installed or packed.
stage() {
    work=$(mktemp -d) || die "no temporary folder could be made"
    mkdir "$work/bin" "$work/etc"
    if [ -n "$demo" ]; then
        demo_configuration >"$work/etc/demo.conf"
        demo_inventory >"$work/etc/inventory.json"
        return 0
    fi
    # Who upgrades asks for no configuration: the one that is there says what is sold.
    if [ -z "$chosen$archive" ] && [ -e "$holder/etc/$name.conf" ]; then return 0; fi
    new_configuration >"$work/etc/$name.conf"
    if [ -n "$definition_file" ]; then
        cp -- "$definition_file" "$work/etc/$definition"
        chmod 0600 "$work/etc/$definition"
    elif [ "$definition" = inventory ]; then
        printf '{ "servers": [] }\n' >"$work/etc/inventory.json"
    fi
}

# Only plain names get in here, so that nothing needs to be escaped.
new_configuration() {
    description="Server from the $definition"
    [ "$definition" = inventory ] || description="Server by $definition"
    cat <<END
{
  "status": "enabled",
  "definition": "${definition_file:+./}$definition",
  "configurations": [
    { "id": "1", "descr": "$description" }
  ]
}
END
}

demo_configuration() {
    cat <<'END'
{
  "status": "enabled",
  "definition": "inventory",
  "configurations": [
    { "id": "1", "descr": "2 vCPU, 4 GB, 40 GB disk (example)" },
    { "id": "2", "descr": "8 vCPU, 32 GB, 240 GB disk (example)" }
  ]
}
END
}

demo_inventory() {
    cat <<'END'
{
  "servers": [
    { "server": "192.0.2.11", "server_password": "ExamplePassword000000011", "configurations": ["1"] },
    { "server": "192.0.2.12", "server_password": "ExamplePassword000000012", "configurations": ["1"] },
    { "server": "192.0.2.13", "server_password": "ExamplePassword000000013", "configurations": ["2"] }
  ]
}
END
}

# put SOURCE TARGET MODE [sync]: replaces a file whole, whatever runs or reads the old one.
put() {
    remove_leftovers_of "$2"
    temporary=$(mktemp "$(beside "$2")XXXXXX") || die "cannot write beside $2"
    cp -- "$1" "$temporary"
    chmod "$3" "$temporary"
    # Only an upgrade has something to lose when the power fails: the executable that worked.
    if [ -n "${4-}" ] && ! why=$(sync "$temporary" 2>&1); then
        die "cannot write $2 out, so the old one stays: $why"
    fi
    mv -f -- "$temporary" "$2"
    temporary=''
}

# beside TARGET: what the names of its new files begin with, six more characters being random.
beside() { printf '%s/.%s.new.' "$(dirname -- "$1")" "$(basename -- "$1")"; }

# What a run that was killed has left of `put`.
remove_leftovers_of() { [ -n "$dry_run" ] || rm -f -- "$(beside "$1")"??????; }

install_provider() {
    say provider "$name in $holder"
    remove_removed
    former_owner=''
    if [ -d "$holder" ]; then
        former_owner=$(stat -c %U:%G -- "$holder")
        [ "$uid" -ne 0 ] || [ -n "$dry_run" ] || claim_holder
    fi
    make_folders
    [ -n "$dry_run" ] || remove_leftovers
    [ -z "$demo" ] || [ -n "$dry_run" ] || : >"$holder/.demo"
    mend_owner
    place_binary
    place_configurations
    mend_modes
}

# From here on nobody but root can exchange what is in the holder, so this second look is the one
# that counts.
claim_holder() {
    chown -h 0:0 "$holder"
    make_folder "$holder" "$holder"
    for part in bin etc state; do
        [ ! -d "$holder/$part" ] || chown -h 0:0 "$holder/$part"
    done
    [ -z "$(odd_parts)" ] || die "$holder changed while it was looked at"
}

make_folders() {
    for folder in "$root" "$providers"; do
        [ -d "${folder:-/}" ] || act create "$folder" make_parent "$folder"
    done
    make_folder "$holder" "$holder"
    for folder in bin etc state; do make_folder "$holder/$folder" "$folder/"; done
}

make_parent() { (umask 022 && mkdir -p -- "$1") && chmod 0755 "$1"; }

make_folder() {
    if [ ! -d "$1" ]; then
        act create "$2" mkdir -m 0700 -- "$1"
        return 0
    fi
    case $(stat -c %a -- "$1") in
        *700) ;;
        *) act mode "$2 is now 0700" chmod 0700 "$1" ;;
    esac
}

# Also of files that are not put into their places any more.
remove_leftovers() {
    find "$holder/bin" "$holder/etc" -type f -name '.*.new.??????' -exec rm -f -- {} +
}

# Root executes what is in here, so nobody else may own it. The panel's tasks/ is left alone.
mend_owner() {
    [ "$uid" -eq 0 ] && [ -d "$holder" ] || return 0
    stranger=$(strangers -print | head -n 1)
    if [ "$former_owner" = root:root ] && [ -n "$stranger" ]; then
        former_owner=$(strangers -exec stat -c %U:%G -- {} + | head -n 1)
    fi
    [ -n "$dry_run" ] || close_folders
    case $former_owner in
        '') strangers -exec chown -h 0:0 {} + ;; # new, in a folder that passes its group on
        root:root) say unchanged "owner" ;;
        *) act owner "root:root instead of $former_owner, who could edit etc/: look through it" take_over ;;
    esac
}

# Each folder is closed before what is in it is listed: from then on nobody else can exchange that.
close_folders() {
    (cd "$holder" && find . -path ./tasks -prune -o -type d \( ! -user 0 -o ! -group 0 -o -perm /077 \) \
        -exec chown -h 0:0 {} \; -exec chmod go= {} \;)
}

# Whoever owned a file may have it open, so that a copy takes its place where root acts on what it says.
take_over() {
    strangers ! -user 0 -type f \( -path './bin/*' -o -path './etc/*' \) \
        ! -path ./etc/config.lock ! -path ./etc/webhooks.lock -exec sh -c "$copy_each" sh {} + ||
        die "what ${former_owner%%:*} owned in $holder could not be copied"
    strangers -exec chown -h 0:0 {} +
    links=$(cd "$holder" && find bin etc -type l)
    [ -z "$links" ] || warn "these are links, and whoever owns what they lead to has a say: $links"
}

# shellcheck disable=SC2016  # for a shell of its own, that hands names over whatever is in them
copy_each='for file do
    copy=$(mktemp "${file%/*}/.copy.new.XXXXXX") && cp -- "$file" "$copy" || exit 1
    [ ! -x "$file" ] || chmod u+x "$copy" || exit 1
    sync "$copy" && mv -f -- "$copy" "$file" || exit 1
done'

# strangers ACTION…: what somebody else owns in the holder.
strangers() {
    (cd "$holder" && find . -path ./tasks -prune -o \( ! -user 0 -o ! -group 0 \) "$@")
}

place_binary() {
    installed=$holder/bin/$name
    if [ ! -e "$installed" ] && [ ! -L "$installed" ]; then
        act install "bin/$name" put "$binary" "$installed" 0755
    elif [ -z "$binary" ] || [ -L "$installed" ] || ! cmp -s -- "$binary" "$installed"; then
        act replace "bin/$name (a worker of the old one ends by itself)" put "$binary" "$installed" 0755 sync
    else
        say unchanged "bin/$name"
        [ "$(stat -c %a -- "$installed")" = 755 ] || act mode "bin/$name is now 0755" chmod 0755 "$installed"
    fi
}

place_configurations() {
    if [ "$definition" != inventory ] && [ ! -e "$holder/etc/$name.conf" ]; then
        say note "bin/$name config init ${definition_file:+./}$definition asks what to write into etc/$name.conf"
    fi
    if [ -z "$(ls "$work/etc")" ]; then
        say unchanged "etc/"
        return 0
    fi
    # NAME.conf comes last: where it is, a run that was killed had all that it names in place.
    for staged in "$work"/etc/*; do
        [ "${staged##*/}" = "$name.conf" ] || place_configuration "etc/${staged##*/}"
    done
    [ ! -e "$work/etc/$name.conf" ] || place_configuration "etc/$name.conf"
}

place_configuration() {
    if [ ! -e "$holder/$1" ] && [ ! -L "$holder/$1" ]; then
        act create "$1" put "$work/$1" "$holder/$1" 0600
    elif cmp -s -- "$work/$1" "$holder/$1"; then
        say unchanged "$1"
    elif [ -f "$holder/$1.new" ] && cmp -s -- "$work/$1" "$holder/$1.new"; then
        say unchanged "$1 (edited, kept; the new one lies beside it: $1.new)"
    else
        say keep "$1 (edited)"
        [ ! -d "$holder/$1.new" ] || die "$1.new is a folder: move it away"
        act create "$1.new" put "$work/$1" "$holder/$1.new" 0600
    fi
}

# A person's own script in etc/ stays executable for its owner.
mend_modes() {
    [ -d "$holder/etc" ] || return 0
    loose=$(cd "$holder" && find etc -type f -perm /077 | head -n 1)
    [ -z "$loose" ] || act mode "the files in etc/ are now closed to others" close_files
}

close_files() { (cd "$holder" && find etc -type f -perm /077 -exec chmod go= {} +); }

run_check() {
    [ -z "$dry_run" ] || return 0
    say check "$holder/bin/$name check"
    status=0
    "$holder/bin/$name" check </dev/null || status=$?
    [ "$status" -eq 0 ] || warn "check ended with status $status: see above"
}

# --- the archive --------------------------------------------------------------------------------

# The panel unpacks it into the holder: bin/ and etc/ stand at the top. The same input gives the same bytes.
write_archive() {
    [ -n "$binary" ] || [ -n "$dry_run" ] || die "no executable to pack"
    if [ -n "$dry_run" ]; then
        act write "$archive" :
        return 0
    fi
    cp -- "$binary" "$work/bin/$name"
    chmod 0755 "$work/bin/$name"
    (
        cd "$work"
        # 2020-01-01: tar complains of files from 1970.
        tar --create --file=pack.tar --format=ustar --owner=0 --group=0 --numeric-owner \
            --mtime=@1577836800 -- bin/* etc/*
        gzip -9n pack.tar
    )
    if cmp -s -- "$work/pack.tar.gz" "$archive"; then
        say unchanged "$archive"
        remove_leftovers_of "$archive"
    else
        act write "$archive" put "$work/pack.tar.gz" "$archive" 0644
    fi
}

# --- the timer ----------------------------------------------------------------------------------

timer_kind() {
    if [ "$uid" -ne 0 ]; then
        echo crontab
    elif [ -d /run/systemd/system ]; then
        echo systemd
    else
        echo cron
    fi
}

check_timer() {
    case $holder in
        *[!A-Za-z0-9._/\ +@,:=~-]*) missing "--timer needs a --root of plain characters: $root" ;;
    esac
    case $(timer_kind) in
        systemd)
            need_command systemctl
            check_ours "$systemd_units.service"
            check_ours "$systemd_units.timer"
            ;;
        cron)
            [ -d /etc/cron.d ] || missing "--timer needs systemd or cron, and neither is here"
            check_ours "$cron_file"
            ;;
        crontab) need_command crontab ;;
    esac
}

check_ours() {
    [ ! -e "$1" ] || is_ours "$1" || missing "$1 belongs to another installation"
}

is_ours() { [ -f "$1" ] && grep -qxF -- "$marker" "$1"; }

install_timer() {
    case $(timer_kind) in
        systemd) install_systemd_timer ;;
        cron) place_system_file "$cron_file" "$(cron_lines)" ;;
        crontab) install_crontab ;;
    esac
}

# place_system_file TARGET TEXT: leaves a word in $changed when there was something to do.
place_system_file() {
    printf '%s\n' "$2" >"$work/system"
    remove_leftovers_of "$1"
    if cmp -s -- "$work/system" "$1"; then
        say unchanged "$1"
    else
        changed=yes
        act create "$1" put "$work/system" "$1" 0644
    fi
}

cron_lines() {
    echo "$marker"
    echo "* * * * * root '$holder/bin/$name' work --once >/dev/null 2>&1"
    echo "@reboot root '$holder/bin/$name' work --once >/dev/null 2>&1"
}

service_unit() {
    cat <<END
$marker
[Unit]
Description=Open orders and pending deliveries of the provider $name
After=network.target
ConditionFileIsExecutable=$holder/bin/$name

[Service]
Type=oneshot
ExecStart="$holder/bin/$name" work --once
# A program that makes servers may leave something behind that goes on making one.
KillMode=process
END
}

timer_unit() {
    cat <<END
$marker
[Unit]
Description=Every minute: open orders and pending deliveries of the provider $name

[Timer]
OnBootSec=10s
OnCalendar=minutely
AccuracySec=5s

[Install]
WantedBy=timers.target
END
}

install_systemd_timer() {
    unit=webdir-provider-$name.timer
    changed=''
    place_system_file "$systemd_units.service" "$(service_unit)"
    place_system_file "$systemd_units.timer" "$(timer_unit)"
    if [ -n "$changed" ] || ! systemctl --quiet is-enabled "$unit" 2>/dev/null ||
        ! systemctl --quiet is-active "$unit" 2>/dev/null; then
        act enable "$unit" enable_systemd_timer
    else
        say unchanged "$unit"
    fi
}

enable_systemd_timer() {
    { systemctl daemon-reload && systemctl enable --now "$unit"; } || die "systemctl did not start $unit"
}

# A user's own table: our two lines end in a comment by which they are found again.
crontab_mark() { printf '%s' "# webdir-provider '$holder'"; }

crontab_lines() {
    echo "* * * * * '$holder/bin/$name' work --once >/dev/null 2>&1 $(crontab_mark)"
    echo "@reboot '$holder/bin/$name' work --once >/dev/null 2>&1 $(crontab_mark)"
}

# A table that cannot be read is never replaced: only "there is none" counts as empty.
read_crontab() {
    if table=$(crontab -l 2>"$work/crontab"); then return 0; fi
    table=''
    grep -qi -e 'no crontab' -e 'no such file' "$work/crontab"
}

install_crontab() {
    read_crontab || die "crontab -l failed: $(cat "$work/crontab")"
    if [ "$(printf '%s\n' "$table" | grep -F -- "$(crontab_mark)")" = "$(crontab_lines)" ]; then
        say unchanged "crontab of this user"
    else
        act create "two lines in the crontab of this user" write_crontab "$(crontab_lines)"
    fi
}

# write_crontab [LINES]: all lines that are not ours, then these.
write_crontab() {
    others=$(printf '%s\n' "$table" | grep -vF -- "$(crontab_mark)") || :
    if [ -z "$others${1-}" ]; then
        crontab -r
    else
        printf '%s\n' ${others:+"$others"} ${1:+"$1"} | crontab -
    fi || die "crontab refused the new table"
}

# --- uninstalling -------------------------------------------------------------------------------

uninstall() {
    work=$(mktemp -d) || die "no temporary folder could be made"
    remove_removed
    [ -z "$purge" ] || refuse_open_ends
    remove_timer
    if [ ! -d "$holder" ]; then
        say unchanged "$holder is not there"
        return 0
    fi
    remove_binary
    if [ -z "$purge" ]; then
        say keep "etc/ and state/ in $holder$(open_ends_note)"
    else
        if [ -z "$dry_run" ]; then
            wait_for_worker
            hold_state
        fi
        refuse_open_ends
        act remove "$holder" remove_holder
    fi
}

open_orders() { files_in accepted active; }

# What orders have to tell and receivers do not know yet: an order may be done before.
pending_deliveries() { files_in deliveries/pending; }

# files_in FOLDER…: prints the files in these folders of state/.
files_in() {
    [ ! -d "$holder/state" ] || (cd "$holder/state" && find "$@" ! -type d 2>/dev/null) || :
}

open_ends_note() {
    [ -z "$(open_orders)" ] || printf '; orders are open, and nothing drives them until the provider is back'
    [ -z "$(pending_deliveries)" ] || printf '; deliveries are pending, and nothing sends them until the provider is back'
}

refuse_open_ends() {
    orders=$(open_orders | sed 's|.*/||; s|\.json$||')
    [ -z "$orders" ] || die "these orders are open, so state/ is kept: $(echo "$orders" | tr '\n' ' ')"
    deliveries=$(pending_deliveries)
    [ -z "$deliveries" ] || die "pending deliveries: $(echo "$deliveries" | grep -c .), so state/ is kept; 'bin/$name deliveries list --state pending' names them: wait for them, or give them up by 'deliveries delete ID', or 'webhooks delete NAME' for all to one webhook"
}

remove_binary() {
    if [ ! -e "$holder/bin" ]; then
        say unchanged "bin/ is not there"
        return 0
    fi
    act remove "bin/ (a living worker ends by itself, now that bin/$name is gone)" remove_bin_folder
}

# Files that somebody else put into bin/ are kept.
remove_bin_folder() {
    rm -f -- "$holder/bin/$name" "$holder"/bin/.*.new.??????
    rmdir -- "$holder/bin" 2>/dev/null || warn "bin/ holds other files and is kept"
}

# The worker holds its lock while it lives, and looks for its executable several times a second.
wait_for_worker() {
    lock=$holder/state/worker.lock
    [ -f "$lock" ] && [ ! -L "$lock" ] && command -v flock >/dev/null 2>&1 || return 0
    tries=0
    until flock -n "$lock" true; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "the worker still lives after 10 seconds, so state/ is kept"
        sleep 0.1
    done
}

# From here to the end no order is taken.
hold_state() {
    lock=$holder/state/lock
    [ -f "$lock" ] && [ ! -L "$lock" ] && command -v flock >/dev/null 2>&1 || return 0
    exec 9<"$lock"
    tries=0
    until flock -n 9; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "another process has held $lock for 10 seconds, so state/ is kept"
        sleep 0.1
    done
}

# Whoever is about to order finds nothing any more to write the order into.
remove_holder() {
    mv -- "$holder" "$(removed)"
    remove_tree "$(removed)"
}

# Where what is being removed is put aside.
removed() { printf '%s/.%s.removed' "$providers" "$name"; }

remove_removed() {
    if [ -e "$(removed)" ] || [ -L "$(removed)" ]; then
        act remove "$(removed), which a run that was killed has left" remove_tree "$(removed)"
    fi
}

# A process that ends at this moment may still put a file into a folder that was just emptied.
remove_tree() {
    for try in 1 2 3 4 5; do
        if rm -rf -- "$1" 2>/dev/null; then return 0; fi
        sleep "$try"
    done
    die "$1 could not be removed completely"
}

remove_timer() {
    if [ "$uid" -ne 0 ]; then
        remove_crontab
        return 0
    fi
    if is_ours "$systemd_units.timer" || is_ours "$systemd_units.service"; then
        act remove "$systemd_units.timer and .service" remove_systemd_timer
    fi
    ! is_ours "$cron_file" || act remove "$cron_file" rm -f -- "$cron_file"
    for file in "$systemd_units.timer" "$systemd_units.service" "$cron_file"; do
        remove_leftovers_of "$file"
    done
}

remove_systemd_timer() {
    systemctl disable --now "webdir-provider-$name.timer" 2>/dev/null || :
    rm -f -- "$systemd_units.timer" "$systemd_units.service"
    systemctl daemon-reload 2>/dev/null || :
}

remove_crontab() {
    command -v crontab >/dev/null 2>&1 || return 0
    read_crontab || return 0
    case $table in
        *"$(crontab_mark)"*) act remove "our lines in the crontab of this user" write_crontab ;;
    esac
    for file in "$systemd_units.timer" "$cron_file"; do
        ! is_ours "$file" || warn "$file is root's and stays: remove it as root"
    done
}

# --- the demo -----------------------------------------------------------------------------------

remove_old_demo() {
    [ ! -d "$holder" ] || act remove "the old demo: $holder" remove_tree "$holder"
}

run_demo() {
    executable=$holder/bin/demo
    again=./install.sh
    [ -z "$packed" ] || again=$script
    if [ "${holder#"$project"/}" != "$holder" ]; then
        [ "$(pwd -P)" = "$project" ] || printf '\n$ cd %s\n' "$project"
        cd "$project"
        executable=${executable#"$project"/}
    fi
    show help
    show configs
    show order 1
    task_id=$(field task_id)
    [ -n "$task_id" ] || die "the answer to order has no task_id"
    wait_for_order || die "the order did not finish"
    printf '\nNext: %s orders list\n      %s --name NAME   installs a provider for the panel\n' \
        "$executable" "$again"
}

# show WORD…: prints the command line, runs it, and prints its answer as it is.
show() {
    printf '\n$ %s %s\n' "$executable" "$*"
    status=0
    answer=$("$executable" "$@") || status=$?
    printf '%s\n' "$answer"
    [ "$status" -eq 0 ] || die "$1 ended with status $status"
}

# field KEY: the text under a key of the last answer, which is one line of JSON.
field() { printf '%s\n' "$answer" | sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p'; }

wait_for_order() {
    polls=0
    while show order_status "$task_id" && [ "$(field status)" = in_progress ] && [ "$polls" -lt 150 ]; do
        polls=$((polls + 1))
        sleep 0.2
    done
    [ "$(field status)" = finished ]
}

# --- from here it begins ------------------------------------------------------------------------

main() {
    prepare
    read_flags "$@"
    check_flags
    complete_flags
    check_needs
    stop_on_problems
    if [ -n "$uninstall" ]; then
        uninstall
        return 0
    fi
    obtain_binary
    stage
    if [ -n "$archive" ]; then
        write_archive
        return 0
    fi
    [ -z "$demo" ] || remove_old_demo
    install_provider
    [ -z "$timer" ] || install_timer
    run_check
    if [ -n "$demo" ] && [ -z "$dry_run" ]; then run_demo; fi
}

main "$@"
