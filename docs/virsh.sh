#!/bin/bash
#
# Virtual machines of libvirt as servers: a program for a definition of kind `command`.
# docs/command.md says how it is set up, and what it is asked and answers.
#
#   virsh.sh [URI [VIRSH]]     URI: qemu:///system unless named; VIRSH: another program than virsh
#
# Needs virsh (libvirt-clients), jq and xorrisofs (xorriso).
#
# `create` does one thing: it defines the machine, with the order's key as its UUID. Of that UUID and
# name libvirt has one machine at most, so a create that is repeated makes no second one, and from its
# first moment on `find` sees it. All else, disk, seed for cloud-init and start, is done by `poll`,
# which goes on wherever an earlier one was ended.

set -euo pipefail

uri=${1:-qemu:///system}
virsh=${2:-virsh}

main() {
    local program
    for program in "$virsh" jq xorrisofs; do
        command -v "$program" >/dev/null || fail "$program is not installed"
    done
    request=$(cat)
    key=$(ask .order.key)
    name=$(ask .order.hostname)
    pool=$(ask '.parameters.pool // "default"')
    case $(ask .verb) in
        create) create ;;
        find) find_machines ;;
        poll) poll ;;
        cancel) cancel ;;
        catalog) catalog ;;
        *) fail "this verb is not known" ;;
    esac
}

# ask FILTER: what jq finds in the request, without quotes; nothing where that is null.
ask() { printf '%s' "$request" | jq -r "$1 // empty"; }

# Whatever is no answer means that nobody knows what was done: standard error goes to the log.
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

v() { "$virsh" -q -c "$uri" "$@"; }

# An error of libvirt's ends this program; it must never look like an empty list.
exists() {
    local all
    all=$(v list --all --uuid) || fail "the machines cannot be listed"
    # No pipe: grep ends at once where it finds it, and what writes to it then would be the one that failed.
    grep -qxF -e "$key" <<<"$all"
}

# has_volume NAME
has_volume() {
    local all
    all=$(v vol-list "$pool") || fail "the volumes of $pool cannot be listed"
    printf '%s\n' "$all" | awk -v name="$1" '$1 == name { found = 1 } END { exit !found }'
}

create() {
    local base
    base=$(ask .parameters.base)
    [ -n "$base" ] || reject "the parameter base is missing"
    # A repeated create must not take the machine back to its beginning.
    if exists; then
        jq -n --arg id "$key" '{server_id: $id}'
        return
    fi
    has_volume "$base" || reject "there is no volume $base in $pool"
    # A pipe would hide that jq has failed; the description holds no secret.
    description=$(printf '%s' "$request" | jq -r "$MACHINE")
    file=$(mktemp)
    trap 'rm -f -- "$file"' EXIT
    printf '%s\n' "$description" >"$file"
    v define "$file" >/dev/null
    jq -n --arg id "$key" '{server_id: $id}'
}

# Nothing was done, and nothing will be.
reject() {
    jq -n --arg reason "$*" '{rejected: $reason}'
    exit 0
}

find_machines() {
    if exists; then
        jq -n --arg id "$key" '{servers: [{server_id: $id}]}'
    else
        jq -n '{servers: []}'
    fi
}

poll() {
    local state phase address
    if ! exists; then
        jq -n '{status: "gone"}'
        return
    fi
    state=$(v domstate "$key")
    phase=$(v desc "$key" --config)
    # One that ran, or that is being removed, is never begun anew.
    case $state,$phase in
        running,new) mark begun ;;
        'shut off,new') begin ;;
        'shut off',* | crashed,*)
            jq -n --arg state "$state" '{status: "failed", reason: "the machine is \($state)"}'
            return
            ;;
    esac
    address=$(v domifaddr "$key" --source "$(ask '.parameters.addresses // "lease"')" |
        awk '$3 == "ipv4" && !found { sub("/.*", "", $4); print $4; found = 1 }')
    if [ -n "$address" ]; then
        jq -n --arg server "$address" '{status: "ready", server: $server}'
    else
        jq -n '{status: "building"}'
    fi
}

# mark WORD: how far the machine is stands in its description.
mark() { v desc "$key" --config --new-desc "$1" >&2; }

# Makes what the machine lacks, and starts it.
begin() {
    local base size
    base=$(ask .parameters.base)
    size=$(ask '.parameters.disk_gib // 20')
    has_volume "$name.qcow2" || v vol-create-as "$pool" "$name.qcow2" "${size}GiB" \
        --format qcow2 --backing-vol "$base" --backing-vol-format qcow2 >&2
    has_volume "$name.iso" || v vol-create-as "$pool" "$name.iso" 1MiB --format raw >&2
    # It holds the root password: nobody else may read it, and it does not stay.
    seed=$(mktemp -d)
    trap 'rm -rf -- "$seed"' EXIT
    printf 'instance-id: %s\nlocal-hostname: %s\n' "$key" "$name" >"$seed/meta-data"
    ask .order.user_data >"$seed/user-data"
    xorrisofs -quiet -o "$seed/iso" -V cidata -J -r "$seed/meta-data" "$seed/user-data" 2>&1 |
        sed 's/^/xorrisofs: /' >&2
    v vol-upload "$pool" "$name.iso" "$seed/iso" >&2
    v start "$key" >&2
    mark begun
}

# The machine goes last: as long as anything of it is left, `find` names it.
cancel() {
    local volume state
    if exists; then
        name=$(v domname "$key")
        state=$(v domstate "$key")
        mark removed
        [ "$state" = 'shut off' ] || v destroy "$key" >&2
        for volume in "$name.qcow2" "$name.iso"; do
            if has_volume "$volume"; then
                v vol-delete "$volume" --pool "$pool" >&2
            fi
        done
        v undefine "$key" --managed-save --snapshots-metadata >&2
    fi
    echo '{}'
}

# Each volume that is not a machine's own can be what machines begin with.
catalog() {
    v vol-list "$pool" | awk '$1 ~ /\.(qcow2|img)$/ && $1 !~ /^webdir-/ { print $1 }' |
        jq -R -n --argjson parameters "$(printf '%s' "$request" | jq .parameters)" '
            {configurations: [inputs | {
                id: sub("\\.[a-z0-9]+$"; ""),
                descr: .,
                parameters: ($parameters + {base: .})
            }]}'
}

# shellcheck disable=SC2016 # it is jq that puts values in
MACHINE='
    .order as $order | .parameters as $p | ($p.pool // "default") as $pool |
"<domain type=\"\($p.type // "kvm" | @html)\">
  <name>\($order.hostname | @html)</name>
  <uuid>\($order.key | @html)</uuid>
  <description>new</description>
  <memory unit=\"MiB\">\($p.memory_mib // 2048)</memory>
  <vcpu>\($p.cpus // 2)</vcpu>
  <os><type>hvm</type><boot dev=\"hd\"/></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type=\"volume\" device=\"disk\">
      <driver name=\"qemu\" type=\"qcow2\"/>
      <source pool=\"\($pool | @html)\" volume=\"\($order.hostname | @html).qcow2\"/>
      <target dev=\"vda\" bus=\"virtio\"/>
    </disk>
    <disk type=\"volume\" device=\"cdrom\">
      <driver name=\"qemu\" type=\"raw\"/>
      <source pool=\"\($pool | @html)\" volume=\"\($order.hostname | @html).iso\"/>
      <target dev=\"sda\" bus=\"sata\"/>
      <readonly/>
    </disk>
    <interface type=\"network\">
      <source network=\"\($p.network // "default" | @html)\"/>
      <model type=\"virtio\"/>
    </interface>
    <serial type=\"pty\"/>
    <channel type=\"unix\"><target type=\"virtio\" name=\"org.qemu.guest_agent.0\"/></channel>
    <rng model=\"virtio\"><backend model=\"random\">/dev/urandom</backend></rng>
  </devices>
</domain>"'

main
