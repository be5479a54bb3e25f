#!/bin/sh
#
# A hoster of the tests: its servers are files in the folder that is its argument. Nothing but what
# the shell itself can do, so that few system calls are made. A server is there with its name in one
# step, as the protocol wants: `server.NUMBER.HOSTNAME`; `gone.NUMBER` says that it was removed.
#
# A file `fault` in the folder says what goes wrong with the next create, and whether that buys.

set -u
folder=$1
read -r request || [ -n "$request" ]

# member NAME: the text of a member of the request, of which each name comes but once.
member() {
    rest=${request#*\""$1"\":\"}
    [ "$rest" != "$request" ] && printf '%s' "${rest%%\"*}"
}

buy() {
    number=1
    for file in "$folder"/server.*; do
        [ -e "$file" ] && number=$((number + 1))
    done
    until (set -C && : >"$folder/server.$number.$hostname") 2>/dev/null; do
        number=$((number + 1))
    done
}

create() {
    fault=none
    if [ -e "$folder/fault" ]; then
        read -r fault <"$folder/fault"
        : >"$folder/fault"
        fault=${fault:-none}
    fi
    case $fault in
        *-before) ;;
        *) buy ;;
    esac
    case $fault in
        none) printf '{"server_id":"%s"}\n' "$number" ;;
        rejected-before) printf '{"rejected":"there is no room"}\n' ;;
        exit-*) echo "no luck with $(member token)" >&2 && exit 1 ;;
        silence-*) ;;
        garbage-*) echo 'it is done' ;;
        half-*) printf '{"server_id":"' ;;
        list-*) printf '["%s"]\n' "${number:-1}" ;;
        twice-*) printf '{"server_id":"1"}\n{"server_id":"2"}\n' ;;
        empty-*) printf '{"server_id":""}\n' ;;
        both-*) printf '{"server_id":"1","rejected":"no"}\n' ;;
        failing-*) printf '{"server_id":"%s"}\n' "${number:-1}" && exit 3 ;;
        signal-*) kill -KILL $$ ;;
        hang-*) sleep 600 ;;
        flood-*) head -c 3000000 /dev/zero ;;
        orphan-before) kill -KILL "$PPID" && sleep 0.5 && buy ;;
        orphan-after) kill -KILL "$PPID" && sleep 0.5 ;;
    esac
}

find_servers() {
    list=''
    for file in "$folder"/server.*."$hostname"; do
        [ -e "$file" ] || continue
        number=${file#"$folder"/server.}
        number=${number%%.*}
        [ -e "$folder/gone.$number" ] || list="$list${list:+,}{\"server_id\":\"$number\"}"
    done
    printf '{"servers":[%s]}\n' "$list"
}

poll() {
    if [ -e "$folder/gone.$server_id" ]; then
        echo '{"status":"gone"}'
    else
        address=127.0.$((server_id / 256)).$((server_id % 256))
        printf '{"status":"ready","server":"%s"}\n' "$address"
    fi
}

hostname=$(member hostname)
server_id=$(member server_id)
case $request in
    *'"verb":"create"'*) create ;;
    *'"verb":"find"'*) find_servers ;;
    *'"verb":"poll"'*) poll ;;
    *'"verb":"cancel"'*) : >"$folder/gone.$server_id" && echo '{}' ;;
    *'"verb":"catalog"'*)
        echo '{"configurations":[{"id":"small","descr":"1 CPU","parameters":{"plan":"small"},'
        echo '"price":{"amount":3,"currency":"EUR","per":"month"}}]}'
        ;;
    *'"verb":"balance"'*) echo '{"amount":"12.50","currency":"EUR"}' ;;
    *) exit 2 ;;
esac
