# Lets the pool in as root, before sshd starts. Harmless when it runs again.
# $1: password or key; $2: the password, or the line for authorized_keys.
umask 077
case $1 in
password)
  printf 'root:%s\n' "$2" | chpasswd || exit 1
  set -- PasswordAuthentication 'PermitRootLogin yes' ;;
*)
  keys=/root/.ssh/authorized_keys
  mkdir -p /root/.ssh && touch "$keys" || exit 1
  # A last line without an end is not to swallow the key.
  grep -qxF -e "$2" "$keys" || printf '\n%s\n' "$2" >>"$keys"
  set -- PubkeyAuthentication 'PermitRootLogin prohibit-password' ;;
esac
main=/etc/ssh/sshd_config
# sshd takes the first value that it meets (sshd_config(5)): a file that sorts first, where such
# files are read before anything to the contrary; else the first lines of the main file.
included() {
  [ -e "$main" ] || { [ -d "$main.d" ]; return; }
  awk '{ $0 = tolower($0) }
    /^[ \t]*include[ \t=].*sshd_config\.d\/\*/ { found = 1; exit }
    /^[ \t]*(match|permitrootlogin|passwordauthentication|pubkeyauthentication)[ \t=]/ { exit }
    END { exit !found }' "$main"
}
lines="# webdir-provider: the panel's pool logs in as root
$1 yes
$2
# webdir-provider: end"
if included; then
  mkdir -p "$main.d" && printf '%s\n' "$lines" >"$main.d/00-0-webdir-provider.conf"
else
  new=$main.webdir-provider
  touch "$main" && cp -p "$main" "$new" &&
    { printf '%s\n' "$lines"; sed '/^# webdir-provider: the/,/^# webdir-provider: end/d' "$main"; } >"$new" &&
    mv "$new" "$main"
fi || exit 1
restorecon -R /etc/ssh /root/.ssh
# Started by something that waits for us, sshd must not be waited for.
for unit in ssh sshd; do systemctl --no-block try-restart "$unit.service"; done
exit 0
