#!/bin/sh
# shellcheck shell=dash
#
# The panel's four words as somebody would write them in an afternoon: what ours stand beside.

set -eu

home=$(dirname -- "$0")/..

fail() {
    jq -cn --arg why "$1" '{error: 1, error_message: $why}'
    exit 1
}

# Written, synced, renamed, and the folder synced.
store() {
    cat >"$1.new"
    sync "$1.new"
    mv "$1.new" "$1"
    sync "${1%/*}"
}

umask 077
case ${1-} in
    help)
        echo '{"name":"plugin","version":"1","status":"enabled","options":["help","configs","order","order_status"]}'
        ;;
    configs)
        jq -c '{status: "enabled", configurations: [.configurations[] | {id, descr}]}' "$home/etc/plugin.conf"
        ;;
    order)
        jq -e --arg id "$2" 'any(.configurations[]; .id == $id)' "$home/etc/plugin.conf" >/dev/null ||
            fail "no configuration $2"
        task=$(date +%s)-$$
        jq -cn --arg task "$task" --arg id "$2" \
            '{task_id: $task, status: "in_progress", configuration: $id}' | store "$home/orders/$task.json"
        printf '{"task_id":"%s"}\n' "$task"
        ;;
    order_status)
        case $2 in *[!0-9-]*) fail "no order $2" ;; esac
        cat "$home/orders/$2.json"
        ;;
    *) fail "unknown word ${1-}" ;;
esac
