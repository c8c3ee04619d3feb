#!/bin/bash
# Records anew what a real restic prints, byte for byte, and packs it for the tests of this crate.
#
#   RESTIC=/path/to/restic REST_SERVER=/path/to/rest-server tests/recorded/record.sh
#
# writes <version>.tar.zst beside this script (or into RECORDED) and renews scenarios.tsv, the list of what was recorded with
# which version and how it exited. The test `recorded` then says what is new. Without REST_SERVER the groups that talk to one
# are left out. About eight minutes, mostly waiting.
#
#   PARTS='proxy hostile'   only these groups of scenarios (rest, restdown, ao, proxy and hostile need none before them); what
#                           the archive holds of the others stays
#   ONLY='forget-*'         keep only the scenarios that match
#   KEEP=/some/dir          leave the unpacked recordings there
#
# Ids, times, PIDs and the number of status lines differ from one recording to the next: compare structure, not bytes.
#
# Each recording is a folder <scenario> with
#   cmd.txt     the command line, quoted for a shell, then remarks: "# env:" beyond the common environment (REDACTED hides a
#               password), "# user: root", "# stdin: FILE", "# signal:" that was sent and when, "# note:"
#   stdout.*    .jsonl if --json was given, also where restic ignored it; .bin for a dump as tar or zip; .txt otherwise
#   stderr.txt  and exit_code: "N", or "signal N"
#
# Needs root, unshare, setpriv, ip, perl, openssl, jq, zstd. Everything runs in private mount, host name, network and IPC
# namespaces: /srv/demo is a tmpfs, the host is demo-host, the user demo (uid 1000), the only network a private loopback. So
# nothing of the machine gets into the recordings, and nothing is left behind.
set -u; shopt -s extglob

D=/srv/demo
REPO=$D/repo
PASS=demo-pass            # repository password; also used for the rest-server users
PORT=8091
SELF=$(readlink -f "$0")

# ---------------------------------------------------------------- namespaces
if [ -z "${RECORDING:-}" ]; then
  : "${RESTIC:?name the restic to record}"
  [ "$(id -u)" = 0 ] || { echo "run as root" >&2; exit 1; }
  for tool in unshare setpriv ip perl openssl jq zstd; do command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 1; }; done
  export RECORDING=1 RESTIC REST_SERVER=${REST_SERVER:-} ONLY=${ONLY:-*} PARTS=${PARTS:-}
  export RECORDED=${RECORDED:-$(dirname "$SELF")} OUT=${KEEP:-$(mktemp -d)}
  mkdir -p "$OUT" "$RECORDED" $D
  unshare --mount --uts --net --ipc -- "$SELF" "$@"; rc=$?
  [ -n "${KEEP:-}" ] || rm -rf "$OUT"
  rmdir $D 2>/dev/null
  exit $rc
fi

hostname demo-host
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs $D
mkdir -p $D/bin $D/home $D/tmp $D/full
cp "$RESTIC" $D/bin/restic
[ -n "$REST_SERVER" ] && cp "$REST_SERVER" $D/bin/rest-server
WORK=$(mktemp -d); trap 'umount -l "$WORK"; rmdir "$WORK"' EXIT
mount -t tmpfs -o mode=700 tmpfs "$WORK"
cp -a /etc "$WORK/etc"                              # a private /etc, so that user demo exists and no host file shows
printf 'root:x:0:0:root:/root:/bin/sh\ndemo:x:1000:1000:demo:/srv/demo/home:/bin/sh\n' > "$WORK/etc/passwd"
printf 'root:x:0:\ndemo:x:1000:\n' > "$WORK/etc/group"
echo "127.0.0.1 localhost demo-host" > "$WORK/etc/hosts"
rm -f "$WORK/etc/resolv.conf"; echo "nameserver 127.0.0.1" > "$WORK/etc/resolv.conf"
mount --bind "$WORK/etc" /etc
chown -R 1000:1000 $D
V=$($D/bin/restic version | awk '{print $2}')
echo "$PASS" > $D/pw;        chmod 600 $D/pw
echo "wrong-pass" > $D/pw-bad; chmod 600 $D/pw-bad
chown 1000:1000 $D/pw $D/pw-bad

# ---------------------------------------------------------------- helpers
since() { [ "$(printf '%s\n%s\n' "$1" "$V" | sort -V | head -1)" = "$1" ]; }   # since 0.17 && ...

BASE_ENV=(PATH=$D/bin:/usr/bin:/bin HOME=$D/home USER=demo TMPDIR=$D/tmp LANG=C.UTF-8 TZ=UTC
          RESTIC_CACHE_DIR=$D/cache RESTIC_PASSWORD=$PASS)

# perl: fork, exec, note the child's pid, record how it ended
LAUNCH='my($pf,$rf)=splice(@ARGV,0,2); my $p=fork; if(!$p){exec @ARGV or exit 127}
  open F,">","$pf.t";print F $p;close F;rename "$pf.t",$pf; waitpid $p,0;
  open F,">",$rf; print F (($?&127)?"signal ".($?&127):$?>>8),"\n"; close F'

launch() {   # launch PIDFILE RCFILE USER ENV... -- argv      (stdin/stdout/stderr: the caller's)
  local pf=$1 rf=$2 user=$3; shift 3; local e=(); while [ "$1" != -- ]; do e+=("$1"); shift; done; shift
  local drop=(); [ "$user" = demo ] && drop=(/usr/bin/setpriv --reuid=1000 --regid=1000 --clear-groups)
  cd $D && perl -e "$LAUNCH" "$pf" "$rf" \
    env --default-signal=INT,TERM,HUP,PIPE -i "${BASE_ENV[@]}" ${e[@]+"${e[@]}"} ${drop[@]+"${drop[@]}"} "$@"
}

r() { launch $WORK/p $WORK/rc ${AS:-demo} -- restic -r "${RP:-$REPO}" "$@" </dev/null >/dev/null 2>&1; }  # uncaptured

shq() { local a o=; for a; do case $a in ''|*[!A-Za-z0-9_./:=,@%+-]*) a="'${a//\'/\'\\\'\'}'";; esac; o+="$a "; done; echo "${o% }"; }

# cap NAME [-e K=V]... [-E K=V]... [-u root] [-i FILE] [-n NOTE] [-s SIG -w COND] -- restic-args
#   -e  extra environment          -E  same, but the value is written as REDACTED in cmd.txt
#   -s/-w send SIG once COND holds: lines:N (N lines on stdout), err:RE (stderr matches), lock (a lock file exists), sleep:S
cap() {
  local name=$1 user=demo in=/dev/null note= sig= cond= e=() red=(); shift
  while [ "$1" != -- ]; do
    case $1 in
      -e) e+=("$2"); red+=("$2");;
      -E) e+=("$2"); red+=("${2%%=*}=REDACTED");;
      -u) user=$2;; -i) in=$2;; -n) note=$2;; -s) sig=$2;; -w) cond=$2;;
    esac; shift 2
  done; shift
  local dir=$WORK/s; rm -rf $dir; mkdir -p $dir
  launch $dir/pid $dir/exit_code $user ${e[@]+"${e[@]}"} -- restic "$@" <"$in" >$dir/out 2>$dir/stderr.txt &
  local bg=$! t0=$SECONDS sent= pid=
  while kill -0 $bg 2>/dev/null; do
    [ -z "$pid" ] && [ -s $dir/pid ] && pid=$(<$dir/pid)
    if [ -n "$pid" ] && [ -z "$sent" ]; then
      case $cond in
        lines:*) [ "$(wc -l <$dir/out)" -ge "${cond#*:}" ] && sent=1;;
        err:*)   grep -qE "${cond#*:}" $dir/stderr.txt && sent=1;;
        lock)    [ -n "$(ls $REPO/locks 2>/dev/null)" ] && sent=1;;
        sleep:*) sleep "${cond#*:}"; sent=1;;
      esac
      if [ -z "$sent" ] && [ $((SECONDS - t0)) -ge ${LIMIT:-60} ]; then sent=1; sig=INT; note="${note:+$note; }still running after ${LIMIT:-60} s, then sent SIGINT"; fi
      [ -n "$sent" ] && [ -n "$sig" ] && kill -$sig $pid 2>/dev/null
    fi
    sleep 0.02
  done
  wait $bg 2>/dev/null
  rm -f $dir/pid
  { shq restic "$@"
    for x in ${red[@]+"${red[@]}"}; do echo "# env: $x"; done
    [ $user = root ] && echo "# user: root"
    [ $in != /dev/null ] && echo "# stdin: ${in#"$WORK"/}"
    [ -n "$cond" ] && [ -n "$sig" ] && echo "# signal: SIG$sig when $cond"
    [ -n "$note" ] && echo "# note: $note"; } > $dir/cmd.txt
  local ext=txt a; for a; do [ "$a" = --json ] && ext=jsonl; [ "$a" = tar -o "$a" = zip ] && ext=bin; done
  mv $dir/out $dir/stdout.$ext
  case $name in $ONLY) mkdir -p "$OUT/$V"; rm -rf "${OUT:?}/$V/$name"; mv $dir "$OUT/$V/$name";; esac
  printf '%-8s %-36s exit %-10s locks left: %s\n' "$V" "$name" "$(cat $dir/exit_code "$OUT/$V/$name/exit_code" 2>/dev/null | head -1)" "$(ls $REPO/locks 2>/dev/null | wc -l)"
}
c()  { local n=$1; shift; local o=(); while [ "$1" != -- ]; do o+=("$1" "$2"); shift 2; done; shift   # cap with -r repo
       cap "$n" ${o[@]+"${o[@]}"} -- -r "${RP:-$REPO}" "$@"; }

hold() {  # hold restic-args: start restic in the background and freeze it as soon as it has written its lock
  r unlock --remove-all; rm -f $WORK/hp; launch $WORK/hp $WORK/hrc demo -- restic -r "${RP:-$REPO}" "$@" </dev/null >/dev/null 2>&1 &
  HBG=$!; local i; for i in $(seq 500); do [ -n "$(ls ${RP:-$REPO}/locks 2>/dev/null)" ] && break; sleep 0.02; done
  sleep 0.3; kill -STOP "$(<$WORK/hp)"
}
release() { kill -CONT "$(<$WORK/hp)"; kill -${1:-KILL} "$(<$WORK/hp)"; while kill -0 $HBG 2>/dev/null; do sleep 0.1; done; }

rest_start() { # rest_start [--append-only ...]
  setpriv --reuid=1000 --regid=1000 --clear-groups $D/bin/rest-server --path $D/rest --listen 127.0.0.1:$PORT \
    --private-repos --htpasswd-file $D/htpasswd "$@" >$WORK/rest.log 2>&1 & RS=$!
  local i; for i in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null && break; sleep 0.05; done
}
rest_stop() { kill $RS 2>/dev/null; wait $RS 2>/dev/null; }

rnd() { openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -md sha256 </dev/zero 2>/dev/null | head -c "$2"; }   # deterministic bytes
own() { chown -R 1000:1000 "$@"; }
fresh_data() { N=$((${N:-0} + 1)); rm -f "$1"/data-*.bin; mkdir -p "$1"; rnd "fresh$N" "$2" > "$1/data-$N.bin"; own "$1"; }   # never seen before, so it must be uploaded
sid() { launch $WORK/p $WORK/rc demo -- restic -r "${RP:-$REPO}" snapshots --json </dev/null 2>/dev/null | jq -r ".[$1].id"; }

# ---------------------------------------------------------------- source data
make_small() {
  mkdir -p $D/src/docs $D/src/photos/2024 $D/src/empty $D/src/.cache $D/src/node_modules; cd $D/src
  printf 'hello world\n' > docs/a.txt; rnd notes 2000 | base64 > docs/notes.md; rnd report 40000 > docs/report.pdf
  for i in 01 02 03 04 05 06; do rnd "img$i" 15000 > photos/2024/img_$i.jpg; done
  ln docs/a.txt docs/a-hardlink.txt; ln -s docs/a.txt link-to-a; ln -s /nonexistent/target dangling
  printf 'Signature: 8a477f597d28d172789f06886806bc55\n' > .cache/CACHEDIR.TAG; rnd junk 3000 > .cache/junk
  touch node_modules/.nobackup; rnd mod 3000 > node_modules/mod.js
  find . -exec touch -h -d '2024-03-01 12:00:00.123456789 UTC' {} +; own $D/src
}
make_odd() {   # names which break naive parsers
  mkdir -p $D/odd; cd $D/odd; local n i p
  local names=($'\u00dcn\u00efc\u00f6d\u00e9 \u6587\u4ef6 \U0001F389.txt' $'nfc-\u00e9' $'nfd-e\u0301' $'new\nline' $'tab\there' 'quote"double' "quote'single"
    'back\slash' ' leading-space' 'trailing-space ' '-dash' '--json' '<html>&amp;' '{"message_type":"summary"}' $'esc\e[31mred' $'ctl\x01\x1f\x7f'
    $'ls\u2028ps\u2029' $'rtl\u202etxt.exe' $'bad-utf8-\xff\xfe' $'latin1-caf\xe9' $'cr\rlf' 'star*?[x]' '%41%20' '$HOME' '...')
  for n in "${names[@]}"; do printf '%s' "$n" > "./$n"; done
  printf x > "$(printf 'L%.0s' $(seq 255))"
  p=.; for i in 1 2 3 4 5 6; do p=$p/$(printf "d$i-%.0s" $(seq 60)); mkdir "$p"; done; echo deep > "$p/deep.txt"
  ln -s $'target-\xff-bad' $'sym-bad-\xfe'; mkdir $'dir-\xe9t\xe9'; echo x > $'dir-\xe9t\xe9/inner'
  find . -exec touch -h -d '2024-03-01 12:00:00 UTC' {} +; own $D/odd
}
make_big() { mkdir -p $D/big; cd $D/big; local i; for i in $(seq -w 12); do rnd "big$i" 1000000 > part-$i.bin; done; own $D/big; }
make_unreadable() {
  mkdir -p $D/unreadable/locked-dir; cd $D/unreadable; echo fine > ok.txt; echo secret > secret.txt; echo x > locked-dir/inner.txt
  echo y > $'bad-utf8-\xff.txt'; own .; chmod 000 secret.txt locked-dir $'bad-utf8-\xff.txt'
}
make_special() { mkdir -p $D/special; cd $D/special; mkfifo pipe; mknod null c 1 3; perl -e 'use Socket; socket S,AF_UNIX,SOCK_STREAM,0; bind S,sockaddr_un("sock")'; echo f > file; own .; }

# ---------------------------------------------------------------- scenarios: basics and errors
sc_basics() {
  cap version -- version --json
  cap version-plain -- version
  cap usage-unknown-flag -- -r $REPO --json snapshots --no-such-flag
  cap usage-unknown-command -- -r $REPO --json frobnicate
  cap usage-no-args -- backup --json
  cap no-repo-given -n "no -r and no RESTIC_REPOSITORY" -- snapshots --json
  c no-repo-local -- snapshots --json
  c no-repo-local-plain -- snapshots
  c no-repo-local-backup -- backup --json $D/src
  c no-repo-cat-config -- cat config --json
  c init -- init --json
  c init-existing -- init --json
  RP=$D/repo-plain c init-plain -- init
  RP=$D/repo-v1 c init-version1 -- init --json --repository-version 1
  mkdir -p $D/rootonly; RP=$D/rootonly/repo c init-no-permission -n "parent folder is not writable" -- init --json
  c snapshots-empty -- snapshots --json
  c stats-empty-repo -- stats --json
  c ls-latest-empty-repo -- ls --json latest
  c wrong-password -E RESTIC_PASSWORD=wrong -- snapshots --json
  c wrong-password-plain -E RESTIC_PASSWORD=wrong -- snapshots
  c wrong-password-file -- snapshots --json --password-file $D/pw-bad
  c password-empty -e RESTIC_PASSWORD= -n "stdin is /dev/null" -- snapshots --json
  c password-from-stdin -e RESTIC_PASSWORD= -i $D/pw -n "stdin: password" -- snapshots --json
  c password-file-missing -e RESTIC_PASSWORD= -e RESTIC_PASSWORD_FILE=$D/none -- snapshots --json
  c password-command -e RESTIC_PASSWORD= -e "RESTIC_PASSWORD_COMMAND=cat $D/pw" -- snapshots --json
  c password-command-fails -e RESTIC_PASSWORD= -e "RESTIC_PASSWORD_COMMAND=false" -- snapshots --json
  c password-command-stderr -e RESTIC_PASSWORD= -e "RESTIC_PASSWORD_COMMAND=sh -c 'echo asking >&2; cat $D/pw'" -- snapshots --json
  c cache-first-use -e RESTIC_CACHE_DIR=$D/cache-new -- snapshots --json
  c cache-first-use-plain -e RESTIC_CACHE_DIR=$D/cache-new2 -- snapshots
  c cache-dir-unwritable -e RESTIC_CACHE_DIR=/proc/demo-cache -- snapshots --json
  cap options -- options --json
  since 0.17 && cap features -- features --json
}

# ---------------------------------------------------------------- scenarios: backup
H=(--host demo-host)
sc_backup() {
  c backup-dry-run -- backup --json --dry-run "${H[@]}" $D/src
  c backup-dry-run-verbose2 -- backup --json --dry-run --verbose=2 "${H[@]}" $D/src
  c backup-first -- backup --json "${H[@]}" $D/src
  c backup-unchanged -- backup --json "${H[@]}" $D/src
  echo changed >> $D/src/docs/notes.md; rm $D/src/photos/2024/img_06.jpg; rnd new 9000 > $D/src/photos/2024/img_07.jpg; chmod 600 $D/src/docs/report.pdf; own $D/src
  c backup-modified-verbose2 -- backup --json --verbose=2 "${H[@]}" --tag daily --tag v2,extra $D/src
  c backup-unchanged-verbose2 -- backup --json -vv "${H[@]}" $D/src
  c backup-verbose1 -- backup --json -v "${H[@]}" $D/src
  c backup-plain -- backup "${H[@]}" $D/src
  c backup-quiet -- backup --json --quiet "${H[@]}" $D/src
  c backup-timezone -e TZ=Asia/Kolkata -- backup --json "${H[@]}" --tag tz $D/src
  c backup-time-flag -- backup --json "${H[@]}" --time '2023-06-01 08:30:00' --tag old $D/src
  c backup-force -- backup --json --force "${H[@]}" $D/src
  c backup-other-host -- backup --json --host other-host --tag daily $D/src/docs
  c backup-many-status -e RESTIC_PROGRESS_FPS=10 -n "slowed with --limit-upload" -- backup --json "${H[@]}" --limit-upload 3000 $D/big
  rm -rf $D/big2; mkdir $D/big2; for i in 1 2 3 4; do rnd "b2$i" 1000000 > $D/big2/f$i; done; own $D/big2
  c backup-many-status-verbose2 -e RESTIC_PROGRESS_FPS=5 -- backup --json -vv "${H[@]}" --limit-upload 1500 $D/big2
  rnd b2x 2000000 > $D/big2/f5; own $D/big2
  c backup-quiet-fps -e RESTIC_PROGRESS_FPS=5 -- backup --json --quiet "${H[@]}" --limit-upload 1500 $D/big2
  rnd b2y 3000000 > $D/big2/f6; own $D/big2
  since 0.15 && c backup-no-scan -e RESTIC_PROGRESS_FPS=5 -- backup --json --no-scan "${H[@]}" --limit-upload 1500 $D/big2
  rnd b2z 3000000 > $D/big2/f7; own $D/big2
  c backup-fps-invalid -e RESTIC_PROGRESS_FPS=fast -- backup --json "${H[@]}" --limit-upload 1500 $D/big2
  c backup-unreadable -- backup --json "${H[@]}" $D/unreadable
  c backup-unreadable-verbose2 -- backup --json -vv "${H[@]}" $D/unreadable
  c backup-unreadable-plain -- backup "${H[@]}" $D/unreadable
  c backup-odd-names-verbose2 -- backup --json -vv "${H[@]}" $D/odd
  c backup-special-verbose2 -- backup --json -vv "${H[@]}" $D/special
  c backup-excludes-verbose2 -- backup --json -vv "${H[@]}" --exclude '*.pdf' --iexclude '*.JPG' --exclude-caches --exclude-if-present .nobackup --exclude-larger-than 30k $D/src
  c backup-exclude-bad-pattern -- backup --json "${H[@]}" --exclude '[' $D/src
  c backup-exclude-file-missing -- backup --json "${H[@]}" --exclude-file $D/none $D/src
  c backup-stdin -i $D/src/docs/notes.md -- backup --json "${H[@]}" --stdin --stdin-filename dump/notes.sql
  c backup-stdin-from-command -- backup --json "${H[@]}" --stdin-from-command --stdin-filename out.txt -- echo hi
  since 0.17 && c backup-stdin-from-command-fail -- backup --json "${H[@]}" --stdin-from-command -- sh -c 'echo part; exit 7'
  c backup-empty-source -- backup --json "${H[@]}" $D/src/empty
  c backup-missing-all -- backup --json "${H[@]}" $D/none
  c backup-missing-some -- backup --json "${H[@]}" $D/none $D/src/docs
  printf '%s\n' $D/src/docs $D/src/photos > $D/list.txt
  c backup-files-from -- backup --json "${H[@]}" --files-from $D/list.txt
  c backup-relative-path -n "cwd is $D" -- backup --json "${H[@]}" src/docs
  c backup-skip-if-unchanged -- backup --json --skip-if-unchanged "${H[@]}" $D/src/docs $D/src/photos
  c backup-parent-unknown -- backup --json "${H[@]}" --parent deadbeef $D/src
  c backup-compression-bad-env -e RESTIC_COMPRESSION=bogus -- backup --json "${H[@]}" $D/src
  c backup-wrong-password -E RESTIC_PASSWORD=wrong -- backup --json "${H[@]}" $D/src
  c backup-no-cache -- backup --json --no-cache "${H[@]}" $D/src
}

# ---------------------------------------------------------------- scenarios: reading
sc_read() {
  c snapshots -- snapshots --json
  c snapshots-plain -- snapshots
  c snapshots-compact -- snapshots --json --compact
  c snapshots-group-by-host -- snapshots --json --group-by host
  c snapshots-group-by-tags-paths -- snapshots --json --group-by tags,paths
  c snapshots-group-by-bad -- snapshots --json --group-by colour
  c snapshots-latest-1 -- snapshots --json --latest 1
  c snapshots-latest-1-group -- snapshots --json --latest 1 --group-by host
  c snapshots-filter-tag -- snapshots --json --tag daily
  c snapshots-filter-path-none -- snapshots --json --path /no/such/path
  c snapshots-id-unknown -- snapshots --json deadbeef
  c snapshots-id-latest -- snapshots --json latest
  c snapshots-restic-host-env -e RESTIC_HOST=other-host -n "an inherited RESTIC_HOST filters from 0.17 on" -- snapshots --json
  c ls-latest -- ls --json latest --path $D/src --host demo-host
  c ls-plain -- ls latest --path $D/src
  c ls-long-plain -- ls -l latest --path $D/src
  c ls-odd-names -- ls --json latest --path $D/odd
  c ls-special -- ls --json latest --path $D/special
  c ls-dir -- ls --json latest --path $D/src $D/src/photos
  c ls-dir-recursive -- ls --json latest --path $D/src --recursive $D/src
  c ls-dir-missing -- ls --json latest --path $D/src /no/such/dir
  c ls-subfolder -- ls --json latest:$D/src/docs --path $D/src
  c ls-id-unknown -- ls --json deadbeef
  c ls-no-match -- ls --json latest --host nobody
  since 0.18 && c ls-ncdu -- ls --ncdu latest --path $D/src
  c find-name -- find --json 'img_0*'
  c find-odd-names -- find --json --path $D/odd '*'
  c find-no-match -- find --json no-such-file
  c find-plain -- find report.pdf
  c find-long-plain -- find -l report.pdf
  local T B; T=$(launch $WORK/p $WORK/rc demo -- restic -r $REPO snapshots --json </dev/null 2>/dev/null | jq -r '.[0].tree')
  c find-tree -- find --json --tree "$T"
  B=$(launch $WORK/p $WORK/rc demo -- restic -r $REPO list blobs </dev/null 2>/dev/null | awk '/^data/{print $2; exit}')
  c find-blob -- find --json --blob "$B"
  c find-pack-unknown -- find --json --pack deadbeef
  for m in restore-size files-by-contents blobs-per-file raw-data; do c stats-$m -- stats --json --mode $m; done
  c stats-latest -- stats --json latest
  c stats-plain -- stats
  c stats-mode-bad -- stats --json --mode bogus
  local A Z; A=$(sid 0); Z=$(sid 2)
  c diff -- diff --json "$A" "$Z"
  c diff-metadata -- diff --json --metadata "$A" "$Z"
  c diff-same -- diff --json "$A" "$A"
  c diff-plain -- diff "$A" "$Z"
  c diff-unknown -- diff --json "$A" deadbeef
  c cat-config -- cat config --json
  c cat-config-plain -- cat config
  c cat-snapshot -- cat snapshot --json "$A"
  c cat-tree -- cat tree --json "$A"
  c cat-unknown -- cat snapshot --json deadbeef
  for t in snapshots packs index keys locks; do c list-$t -- list $t --json; done
  c list-blobs -- list blobs --json
  c dump-file -- dump latest --path $D/src $D/src/docs/a.txt
  c dump-file-json-flag -- dump --json latest --path $D/src $D/src/docs/a.txt
  c dump-tar -- dump latest --path $D/src -a tar $D/src/docs
  c dump-zip -- dump latest --path $D/src -a zip $D/src/docs
  c dump-missing -- dump --json latest --path $D/src /no/such/file
  c key-list -- key list --json
  c key-list-plain -- key list
  cap cache-list -- cache --json
}

# ---------------------------------------------------------------- scenarios: restore
sc_restore() {
  local s=latest
  c restore -- restore --json latest --path $D/src --target $D/out/r1
  c restore-plain -- restore latest --path $D/src --target $D/out/r2
  c restore-verify -- restore --json latest --path $D/src --target $D/out/r3 --verify
  c restore-verbose2 -- restore --json -vv latest --path $D/src --target $D/out/r4
  c restore-verbose1 -- restore --json -v latest --path $D/src --target $D/out/r4b
  c restore-dry-run -- restore --json --dry-run latest --path $D/src --target $D/out/r5
  c restore-dry-run-verbose2 -- restore --json --dry-run -vv latest --path $D/src --target $D/out/r5
  if since 0.17; then
    for o in always if-changed if-newer never; do
      echo local-change > $D/out/r1$D/src/docs/a.txt; touch -d '2030-01-01 UTC' $D/out/r1$D/src/docs/notes.md; rm -f $D/out/r1$D/src/photos/2024/img_01.jpg; own $D/out/r1
      c restore-overwrite-$o -- restore --json -vv latest --path $D/src --target $D/out/r1 --overwrite $o
    done
    echo extra > $D/out/r1$D/src/extra.txt; own $D/out/r1
    c restore-delete-dry-run -- restore --json -vv latest --path $D/src --target $D/out/r1 --delete --dry-run
    c restore-delete -- restore --json -vv latest:$D/src --path $D/src --target $D/out/r1$D/src --delete
    c restore-overwrite-bad -- restore --json latest --path $D/src --target $D/out/r1 --overwrite sometimes
  fi
  c restore-include -- restore --json latest --path $D/src --target $D/out/r6 --include 'img_0*'
  c restore-exclude -- restore --json latest --path $D/src --target $D/out/r7 --exclude '*.jpg'
  c restore-include-nothing -- restore --json latest --path $D/src --target $D/out/r7b --include no-such-name
  c restore-subfolder -- restore --json latest:$D/src/docs --path $D/src --target $D/out/r8
  c restore-subfolder-missing -- restore --json latest:/no/such --path $D/src --target $D/out/r8b
  c restore-odd-names -- restore --json -vv latest --path $D/odd --target $D/out/r9
  c restore-special-nonroot -- restore --json -vv latest --path $D/special --target $D/out/r9b
  c restore-many-status -e RESTIC_PROGRESS_FPS=10 -n "slowed with --limit-download" -- restore --json latest --path $D/big --target $D/out/r10 --limit-download 4000
  c restore-quiet -- restore --json --quiet latest --path $D/src --target $D/out/r11
  c restore-id-unknown -- restore --json deadbeef --target $D/out/r12
  c restore-no-match-host -- restore --json latest --host nobody --target $D/out/r12
  c restore-other-host -- restore --json latest --host other-host --target $D/out/r12
  c restore-no-target -- restore --json latest
  mkdir -p $D/out/ro; chown root $D/out/ro
  c restore-target-unwritable -- restore --json latest --path $D/src --target $D/out/ro
  mkdir -p "$D/out/r13$D/src/docs/a.txt/subdir"; own $D/out/r13
  c restore-file-blocked-by-dir -- restore --json latest --path $D/src --target $D/out/r13
  mount -t tmpfs -o size=4m,mode=777 tmpfs $D/full
  c restore-disk-full -- restore --json latest --path $D/big --target $D/full/r
  umount $D/full
  c restore-sigint -e RESTIC_PROGRESS_FPS=10 -s INT -w sleep:3 -- restore --json latest --path $D/big --target $D/out/r14 --limit-download 2000
}

# ---------------------------------------------------------------- scenarios: locks and signals
sc_locks() {
  local S=(-e RESTIC_PROGRESS_FPS=10) L=(--limit-upload 2500 --pack-size 4) i
  fresh_data $D/sig 18000000
  c restore-sigint-list-locks -- list locks --no-lock --json
  c backup-sigint "${S[@]}" -s INT -w lines:8 -- backup --json "${H[@]}" "${L[@]}" $D/sig
  c backup-sigint-list-locks -- list locks --no-lock --json
  fresh_data $D/sig 18000000
  c backup-sigterm "${S[@]}" -s TERM -w lines:8 -- backup --json "${H[@]}" "${L[@]}" $D/sig
  c backup-sigterm-list-locks -- list locks --no-lock --json
  r unlock --remove-all; fresh_data $D/sig 18000000
  c backup-sighup "${S[@]}" -s HUP -w lines:8 -n "restic ignores SIGHUP while it holds a lock" -- backup --json "${H[@]}" "${L[@]}" $D/sig
  fresh_data $D/sig 18000000
  c backup-sigint-plain -s INT -w sleep:3 -- backup "${H[@]}" "${L[@]}" $D/sig
  fresh_data $D/sig 18000000
  c backup-sigkill "${S[@]}" -s KILL -w lines:8 -- backup --json "${H[@]}" "${L[@]}" $D/sig
  c backup-sigkill-list-locks -- list locks --no-lock --json
  c stale-lock-forget -n "lock left by a killed backup of this host" -- forget --json --keep-last 1000
  c unlock-stale -- unlock --json
  c unlock-nothing -- unlock --json
  c check-sigint -s INT -w sleep:2.5 -- check --json --read-data --limit-download 200
  c check-sigint-list-locks -- list locks --no-lock --json
  r unlock --remove-all
  c stats-sigint -s INT -w lock -- stats --json --mode raw-data
  # a live process holds a shared lock
  fresh_data $D/sig 18000000; hold backup --json "${H[@]}" --limit-upload 100 --pack-size 4 $D/sig
  c locked-shared-forget -- forget --json --keep-last 1000
  c locked-shared-prune -- prune --json
  c locked-shared-prune-plain -- prune
  c locked-shared-list-locks -- list locks --json
  c locked-shared-snapshots -- snapshots --json --latest 1
  release; r unlock
  # a live process holds an exclusive lock
  hold check --read-data --limit-download 100
  c locked-excl-backup -- backup --json "${H[@]}" $D/src
  c locked-excl-backup-plain -- backup "${H[@]}" $D/src
  c locked-excl-snapshots -- snapshots --json
  c locked-excl-snapshots-no-lock -- snapshots --json --no-lock --latest 1
  c locked-excl-restore -- restore --json latest --path $D/src --target $D/out/lk
  c locked-excl-check -- check --json
  c locked-excl-unlock-live -- unlock --json
  since 0.16 && c locked-excl-retry-lock -- backup --json --retry-lock 4s "${H[@]}" $D/src
  since 0.16 && c locked-excl-retry-lock-plain -- backup --retry-lock 4s "${H[@]}" $D/src
  release; r unlock
  hold check --read-data --limit-download 100
  if since 0.16; then ( sleep 6; release INT ) & local rl=$!
    c locked-excl-retry-lock-ok -n "the lock holder ends after about 6 s" -- backup --json --retry-lock 60s "${H[@]}" $D/src
    wait $rl; else release; r unlock; fi
  # an exclusive lock left by a killed process
  hold check --read-data --limit-download 100; release KILL
  c stale-excl-backup -- backup --json "${H[@]}" $D/src
  c unlock-remove-all -- unlock --json --remove-all
  head -c 0 /dev/null > $REPO/locks/$(printf e%.0s $(seq 64)); own $REPO/locks
  c lock-file-empty -- snapshots --json --latest 1
  rm -f $REPO/locks/*; head -c 100 /dev/zero > $REPO/locks/$(printf f%.0s $(seq 64)); own $REPO/locks
  LIMIT=20 c lock-file-garbage -- backup --json "${H[@]}" $D/src
  rm -f $REPO/locks/*
}

# ---------------------------------------------------------------- scenarios: changing snapshots
sc_change() {
  local KEEP=(--keep-last 2 --keep-hourly 3 --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --keep-yearly 5 --keep-tag old
              --keep-within 2d --keep-within-hourly 1d --keep-within-daily 7d --keep-within-weekly 1m --keep-within-monthly 1y --keep-within-yearly 10y)
  c forget-dry-run-all-keeps -- forget --json --dry-run "${KEEP[@]}"
  c forget-dry-run-keep-last -- forget --json --dry-run --keep-last 1
  c forget-dry-run-plain -- forget --dry-run --keep-last 1
  c forget-dry-run-group-host -- forget --json --dry-run --keep-last 2 --group-by host
  c forget-dry-run-group-none -- forget --json --dry-run --keep-last 1 --group-by ''
  c forget-dry-run-prune -- forget --json --dry-run --prune --keep-last 1
  c forget-no-policy -- forget --json
  c forget-keep-zero -- forget --json --keep-last 0
  c forget-keep-negative -n "0.14 would delete every snapshot here" -- forget --json --dry-run --keep-last -5
  c forget-keep-within-bad -- forget --json --keep-within 3parsecs
  c forget-no-match -- forget --json --keep-last 1 --host nobody
  c forget-id-unknown -- forget --json deadbeef
  c forget-id -- forget --json "$(sid 3)"
  since 0.17 && c forget-remove-all-refused -- forget --json --tag tz --keep-tag none --dry-run
  since 0.17 && c forget-unsafe-remove-all -- forget --json --tag tz --unsafe-allow-remove-all
  c tag-add -- tag --json --add archived --tag daily
  c tag-plain -- tag --set only --host other-host
  c tag-no-match -- tag --json --add x --tag nothing-has-this
  c rewrite -- rewrite --json --exclude '*.pdf' --forget --host other-host
  c rewrite-dry-run -- rewrite --json --dry-run --exclude '*.jpg' --path $D/src --tag tz --tag old
  c rewrite-nothing -- rewrite --json --exclude no-such-name --host other-host
  echo new-pass > $D/pw-new; own $D/pw-new
  c key-add -- key add --json --new-password-file $D/pw-new --host key-host --user key-user
  c key-list-two -- key list --json
  c key-remove-unknown -- key remove --json deadbeef
  c key-remove-current -- key remove --json "$(launch $WORK/p $WORK/rc demo -- restic -r $REPO key list --json </dev/null 2>/dev/null | jq -r '.[]|select(.current).id')"
  c key-passwd -e RESTIC_PASSWORD_FILE=$D/pw-new -e RESTIC_PASSWORD= -- key passwd --json --new-password-file $D/pw-new
  rm -rf $D/repo2; RP=$D/repo2 r init
  cap copy -E RESTIC_FROM_PASSWORD=$PASS -- -r $D/repo2 copy --json --from-repo $REPO --host other-host
  cap copy-plain -E RESTIC_FROM_PASSWORD=$PASS -- -r $D/repo2 copy --from-repo $REPO --path $D/src/docs
  cap copy-again-plain -E RESTIC_FROM_PASSWORD=$PASS -- -r $D/repo2 copy --from-repo $REPO --path $D/src/docs
  cap copy-bad-id -E RESTIC_FROM_PASSWORD=$PASS -- -r $D/repo2 copy --json --from-repo $REPO deadbeef
  cap copy-wrong-from-password -E RESTIC_FROM_PASSWORD=wrong -- -r $D/repo2 copy --json --from-repo $REPO
  c forget-keep-last -- forget --json --keep-last 1
  c forget-keep-last-again -- forget --json --keep-last 1
  c prune-dry-run -- prune --json --dry-run
  c prune-dry-run-verbose2 -- prune --json --dry-run -vv
  c prune -- prune --json
  c prune-plain -- prune
  c prune-max-unused-bad -- prune --json --max-unused lots
  c backup-for-prune -- backup --json "${H[@]}" --tag temp $D/big2
  c forget-prune -- forget --json --prune --keep-tag only --keep-last 1 --group-by ''
  c forget-prune-plain -- forget --prune --keep-last 1 --group-by host
  c forget-prune-nothing -- forget --json --prune --keep-last 100
  c migrate -- migrate --json
  c recover -- recover --json
}

# ---------------------------------------------------------------- scenarios: check, damage, repair
biggest() { ls -S "$1"/data/*/* | head -1; }
sc_damage() {
  RP=$D/repo-d; REPO_SAVE=$REPO; rm -rf $RP; r init; r backup "${H[@]}" $D/src; r backup "${H[@]}" $D/big2
  c check -- check --json
  c check-plain -- check
  c check-read-data -- check --json --read-data
  c check-read-data-subset-1of2 -- check --json --read-data-subset=1/2
  c check-read-data-subset-percent -- check --json --read-data-subset=10%
  c check-read-data-subset-size -- check --json --read-data-subset=500K
  c check-read-data-subset-bad -- check --json --read-data-subset=9/2
  c check-verbose2 -- check --json -vv
  local gold=$D/repo-gold p; cp -a $RP $gold
  fresh() { rm -rf $RP; cp -a $gold $RP; rm -rf $D/cache; }
  # a flipped byte in a data pack
  p=$(biggest $RP); chmod u+w "$p"; perl -e 'open F,"+<",$ARGV[0];seek F,5000,0;read F,$c,1;seek F,5000,0;print F chr(ord($c)^255)' "$p"
  c damaged-pack-check -- check --json
  c damaged-pack-check-read-data -- check --json --read-data
  c damaged-pack-check-read-data-plain -- check --read-data
  c damaged-pack-restore -- restore --json latest --target $D/out/dmg1
  c damaged-pack-dump-tar -- dump --json latest -a tar /
  c damaged-pack-repair-packs -- repair packs --json "$(basename "$p")"
  c damaged-pack-repair-snapshots -- repair snapshots --json --forget
  fresh; p=$(biggest $RP); rm -f "$p"
  c missing-pack-check -- check --json
  c missing-pack-check-plain -- check
  c missing-pack-restore -- restore --json latest --target $D/out/dmg2
  c missing-pack-prune -- prune --json
  c missing-pack-repair-index -- repair index --json
  c missing-pack-rebuild-index -- rebuild-index --json
  c missing-pack-repair-snapshots-dry -- repair snapshots --json --dry-run
  c missing-pack-backup -- backup --json "${H[@]}" $D/big2
  fresh; p=$(biggest $RP); chmod u+w "$p"; truncate -s 1000 "$p"
  c truncated-pack-check -- check --json
  fresh; rm -f $RP/index/*
  c missing-index-check -- check --json
  c missing-index-ls -- ls --json latest
  c missing-index-backup -- backup --json "${H[@]}" $D/src
  c missing-index-repair-index -- repair index --json
  fresh; p=$(ls $RP/index/* | head -1); chmod u+w $p; head -c 50 /dev/zero > $p
  LIMIT=30 c damaged-index-snapshots -- snapshots --json
  LIMIT=30 c damaged-index-ls -- ls --json latest
  fresh; p=$(ls $RP/snapshots/* | head -1); chmod u+w $p; head -c 50 /dev/zero > $p; own $RP
  LIMIT=30 c damaged-snapshot-snapshots -- snapshots --json
  LIMIT=30 c damaged-snapshot-forget -- forget --json --keep-last 1
  LIMIT=30 c damaged-snapshot-check -- check --json
  fresh; chmod u+w $RP/config; head -c 50 /dev/zero > $RP/config
  LIMIT=30 c damaged-config-snapshots -- snapshots --json
  fresh; rm -f $RP/keys/*
  c no-keys-snapshots -- snapshots --json
  fresh; chown -R root $RP; chmod -R go-rwx $RP
  LIMIT=15 c repo-unreadable-snapshots -- snapshots --json
  fresh; chmod -R a-w $RP
  c repo-readonly-backup -- backup --json "${H[@]}" $D/src
  c repo-readonly-snapshots -- snapshots --json
  c repo-readonly-snapshots-no-lock -- snapshots --json --no-lock
  rm -rf $RP; unset RP
  # destination runs out of space
  mount -t tmpfs -o size=6m,mode=777 tmpfs $D/full; RP=$D/full/repo r init
  RP=$D/full/repo LIMIT=25 c backup-disk-full -- backup --json "${H[@]}" $D/big
  umount -l $D/full
  mount -t tmpfs -o size=6m,mode=777 tmpfs $D/full
  c backup-tmpdir-full -e TMPDIR=$D/full -n "TMPDIR is a full 6 MB tmpfs" -- backup --json "${H[@]}" --tag tmpfull --force $D/big
  umount -l $D/full
  c backup-tmpdir-missing -e TMPDIR=$D/none -- backup --json "${H[@]}" --force $D/src
}

# ---------------------------------------------------------------- scenarios: rest-server
URL=rest:http://127.0.0.1:$PORT/demo/
if since 0.16.1; then    # credentials: variables where restic knows them, else inside the URL (environment only)
  REST=(-e RESTIC_REPOSITORY=$URL -e RESTIC_REST_USERNAME=demo -E RESTIC_REST_PASSWORD=$PASS)
  BADREST=(-e RESTIC_REPOSITORY=$URL -e RESTIC_REST_USERNAME=demo -E RESTIC_REST_PASSWORD=wrong)
  OTHERREST=(-e RESTIC_REPOSITORY=${URL/demo/other} -e RESTIC_REST_USERNAME=demo -E RESTIC_REST_PASSWORD=$PASS)
else
  REST=(-E RESTIC_REPOSITORY=${URL/127/demo:$PASS@127})
  BADREST=(-E RESTIC_REPOSITORY=${URL/127/demo:wrong@127})
  OTHERREST=(-E RESTIC_REPOSITORY=rest:http://demo:$PASS@127.0.0.1:$PORT/other/)
fi
rest_quiet() { local e=() i; for ((i = 1; i < ${#REST[@]}; i += 2)); do e+=("${REST[i]}"); done   # uncaptured, against the rest-server
               launch $WORK/p $WORK/rc demo "${e[@]}" -- restic "$@" </dev/null >/dev/null 2>&1; }
rest_setup() {
  [ -n "$REST_SERVER" ] || return 1
  local h; h=$(printf %s $PASS | openssl dgst -sha1 -binary | base64)
  printf 'demo:{SHA}%s\nother:{SHA}%s\n' "$h" "$h" > $D/htpasswd; mkdir -p $D/rest; own $D/rest $D/htpasswd
  if [ "${1:-}" = repo ] && [ ! -e $D/rest/demo/config ]; then rest_start; rest_quiet init; rest_quiet backup "${H[@]}" $D/src; rest_stop; fi
}
sc_rest() {
  rest_setup || return 0
  rest_start
  cap rest-no-repo "${REST[@]}" -- snapshots --json
  cap rest-init "${REST[@]}" -- init --json
  cap rest-init-plain-existing "${REST[@]}" -- init
  cap rest-backup "${REST[@]}" -- backup --json "${H[@]}" $D/src
  cap rest-backup-many-status "${REST[@]}" -e RESTIC_PROGRESS_FPS=10 -- backup --json "${H[@]}" --limit-upload 3000 $D/big
  cap rest-snapshots "${REST[@]}" -- snapshots --json
  cap rest-restore "${REST[@]}" -- restore --json latest --target $D/out/rest1
  cap rest-stats "${REST[@]}" -- stats --json --mode raw-data
  cap rest-check "${REST[@]}" -- check --json --read-data
  cap rest-forget-prune "${REST[@]}" -- forget --json --prune --keep-last 1 --group-by ''
  LIMIT=20 cap rest-401-wrong-password "${BADREST[@]}" -- snapshots --json
  LIMIT=20 cap rest-401-no-credentials -e RESTIC_REPOSITORY=$URL -- snapshots --json
  LIMIT=20 cap rest-401-init "${BADREST[@]}" -- init --json
  LIMIT=20 cap rest-401-backup "${BADREST[@]}" -- backup --json "${H[@]}" $D/src
  LIMIT=20 cap rest-other-users-repo "${OTHERREST[@]}" -- snapshots --json
  cap rest-wrong-repo-password "${REST[@]}" -E RESTIC_PASSWORD=wrong -- snapshots --json
  rest_stop
}
sc_restdown() {   # the server is killed in the middle of a backup, is not there, or is not a rest-server
  rest_setup repo || return 0
  rest_start
  rm -rf $D/big4; mkdir $D/big4; rnd rs1 9000000 > $D/big4/f1; rnd rs2 9000000 > $D/big4/f2; own $D/big4
  ( sleep 4; kill -KILL $RS ) & local k=$!
  cap rest-server-dies "${REST[@]}" -e RESTIC_PROGRESS_FPS=2 -s INT -w sleep:14 -n "server killed after about 4 s" -- backup --json "${H[@]}" --limit-upload 1000 $D/big4
  wait $k; rest_start
  cap rest-after-server-died-locks "${REST[@]}" -- list locks --json --no-lock
  cap rest-after-server-died-unlock "${REST[@]}" -- unlock --json
  ( sleep 4; kill -KILL $RS; sleep 3; setpriv --reuid=1000 --regid=1000 --clear-groups $D/bin/rest-server --path $D/rest --listen 127.0.0.1:$PORT --private-repos --htpasswd-file $D/htpasswd >/dev/null 2>&1 & echo $! >$WORK/rs2 ) & k=$!
  cap rest-server-restarts "${REST[@]}" -e RESTIC_PROGRESS_FPS=2 -n "server down from about 4 s to 7 s" -- backup --json "${H[@]}" --limit-upload 1500 $D/big4
  wait $k; kill "$(<$WORK/rs2)"; sleep 0.5
  LIMIT=20 cap rest-refused "${REST[@]}" -- snapshots --json
  LIMIT=20 cap rest-refused-init "${REST[@]}" -- init --json
  LIMIT=20 cap rest-dns-failure "${REST[@]}" -e RESTIC_REPOSITORY=rest:http://no-such-host.invalid:$PORT/demo/ -- snapshots --json
}
sc_ao() {   # append-only, starting without any lock
  rest_setup repo || return 0
  rest_start
  LIMIT=15 cap rest-https-to-http "${REST[@]}" -e RESTIC_REPOSITORY=rest:https://127.0.0.1:$PORT/demo/ -- snapshots --json
  rest_quiet unlock --remove-all; rest_stop
  rest_start --append-only
  cap ao-backup "${REST[@]}" -- backup --json "${H[@]}" $D/src
  cap ao-backup-again "${REST[@]}" -- backup --json "${H[@]}" $D/src
  cap ao-snapshots "${REST[@]}" -- snapshots --json
  cap ao-check "${REST[@]}" -- check --json
  cap ao-forget-dry-run "${REST[@]}" -- forget --json --keep-last 1 --dry-run
  LIMIT=120 cap ao-forget "${REST[@]}" -- forget --json --keep-last 1
  LIMIT=25 cap ao-forget-plain "${REST[@]}" -- forget --keep-last 1
  LIMIT=25 cap ao-forget-prune "${REST[@]}" -- forget --json --prune --keep-last 1
  LIMIT=25 cap ao-prune "${REST[@]}" -- prune --json --max-unused 0
  LIMIT=25 cap ao-unlock "${REST[@]}" -- unlock --json
  LIMIT=25 cap ao-unlock-remove-all "${REST[@]}" -- unlock --json --remove-all
  LIMIT=25 cap ao-tag "${REST[@]}" -- tag --json --add x latest
  LIMIT=25 cap ao-rewrite-forget "${REST[@]}" -- rewrite --json --exclude '*.pdf' --forget latest
  LIMIT=25 cap ao-key-add "${REST[@]}" -- key add --json --new-password-file $D/pw
  LIMIT=25 cap ao-key-passwd "${REST[@]}" -- key passwd --json --new-password-file $D/pw
  LIMIT=25 cap ao-repair-index "${REST[@]}" -- repair index --json
  LIMIT=25 cap ao-init-existing "${REST[@]}" -- init --json
  fresh_data $D/sig 18000000
  cap ao-backup-sigkill "${REST[@]}" -e RESTIC_PROGRESS_FPS=10 -s KILL -w lines:8 -- backup --json "${H[@]}" --limit-upload 1500 --pack-size 4 $D/sig
  cap ao-locks-after-kill "${REST[@]}" -- list locks --json --no-lock
  cap ao-unlock-stale "${REST[@]}" -- unlock --json
  rest_stop
  RP=rclone:demo:repo c rclone-not-installed -e PATH=$D/bin -- snapshots --json
}

# ---------------------------------------------------------------- scenarios: something between restic and the rest-server
# perl: serve on PORT; what fits RE ("METHOD /path") is answered with the head and body given, all else goes to the rest-server
PROXY='use IO::Socket::INET; my($port,$to,$re,$head,$body)=@ARGV; $SIG{CHLD}="IGNORE";
  my $l=IO::Socket::INET->new(LocalAddr=>"127.0.0.1:$port",Listen=>64,ReuseAddr=>1) or die;
  while(my $c=$l->accept){ next if fork; my $h=""; while($h!~/\r\n\r\n/s){ sysread($c,my $b,8192) or exit; $h.=$b }
    my($req,$data)=$h=~/^(.*?\r\n\r\n)(.*)$/s; my($n)=$req=~/^content-length: *(\d+)/mi; my $left=($n||0)-length $data;
    my($line)=$req=~/^(\S+ \S+)/;
    if($line=~/$re/){ while($left>0){ $left-=sysread($c,my $b,65536)||last }
      print $c "HTTP/1.1 $head\r\nContent-Length: ".length($body)."\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n".($line=~/^HEAD/?"":$body); exit }
    my $u=IO::Socket::INET->new($to) or exit; $req=~s/\r\n\r\n$/\r\nConnection: close\r\n\r\n/s; print $u $req,$data;
    while($left>0){ my $k=sysread($c,my $b,65536)||last; print $u $b; $left-=$k }
    while(sysread($u,my $b,65536)){ print $c $b } exit }'
proxy_start() { perl -e "$PROXY" $((PORT + 1)) 127.0.0.1:$PORT "$@" & PX=$!
                local i; for i in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/$((PORT + 1))) 2>/dev/null && break; sleep 0.05; done; }
proxy_stop() { kill $PX 2>/dev/null; wait $PX 2>/dev/null; }
sc_proxy() {
  rest_setup repo || return 0
  local BEHIND=("${REST[@]//:$PORT/:$((PORT + 1))}") row name re head body
  local page='<html><head><title>Welcome</title></head><body>Please log in to use the network.</body></html>'
  rest_start; rest_quiet unlock --remove-all
  while IFS='|' read -r name re head; do
    body=$page; case $name in px-delete-*|px-save-*) body=;; esac
    proxy_start "$re" "${head//LOCATION/$'\r\n'Location: http://127.0.0.1:$((PORT + 1))/login}" "$body"
    case $name in
      px-delete-*) continue_in_proxy $name;;
      px-save-*) fresh_data $D/px 3000000; LIMIT=25 cap $name-backup "${BEHIND[@]}" -- backup --json "${H[@]}" $D/px;;
      *) LIMIT=8 cap $name-snapshots "${BEHIND[@]}" -- snapshots --json
         LIMIT=8 cap $name-backup "${BEHIND[@]}" -- backup --json "${H[@]}" $D/src
         LIMIT=8 cap $name-init "${BEHIND[@]}" -- init --json;;
    esac
    proxy_stop
  done <<'EOT'
px-portal-page|.|200 OK
px-portal-redirect|.|302 FoundLOCATION
px-portal-511|.|511 Network Authentication Required
px-400|.|400 Bad Request
px-404|.|404 Not Found
px-405|.|405 Method Not Allowed
px-407|.|407 Proxy Authentication Required
px-429|.|429 Too Many Requests
px-500|.|500 Internal Server Error
px-502|.|502 Bad Gateway
px-503|.|503 Service Unavailable
px-504|.|504 Gateway Timeout
px-save-413|^POST \S*/data/|413 Request Entity Too Large
px-save-405|^POST|405 Method Not Allowed
px-save-500|^POST \S*/data/|500 Internal Server Error
px-save-507|^POST \S*/data/|507 Insufficient Storage
px-delete-403|^DELETE|403 Forbidden
px-delete-405|^DELETE|405 Method Not Allowed
EOT
  rest_stop
  # TLS: the wrong protocol, an unknown issuer, a file of certificates that is not there
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout $D/tls.key -out $D/tls.crt 2>/dev/null; own $D/tls.key $D/tls.crt
  rest_start --tls --tls-cert $D/tls.crt --tls-key $D/tls.key
  LIMIT=8 cap tls-plain-to-https "${REST[@]}" -- snapshots --json
  LIMIT=8 cap tls-unknown-issuer "${REST[@]/http:/https:}" -- snapshots --json
  LIMIT=8 cap tls-known-issuer "${REST[@]/http:/https:}" -- snapshots --json --cacert $D/tls.crt
  LIMIT=8 cap tls-cacert-missing "${REST[@]/http:/https:}" -- snapshots --json --cacert $D/none.crt
  rest_stop
}
continue_in_proxy() {   # where removing is refused, locks included; each starts without any lock
  local step
  for step in backup backup-unreadable snapshots check restore forget prune tag unlock; do
    local args=(); case $step in
      backup) args=(backup --json "${H[@]}" $D/src);;
      backup-unreadable) args=(backup --json "${H[@]}" $D/unreadable);;
      snapshots) args=(snapshots --json);;
      check) args=(check --json);;
      restore) args=(restore --json latest --path $D/src --target $D/out/$1);;
      forget) args=(forget --json --keep-last 1);;
      prune) args=(prune --json --max-unused 0);;
      tag) args=(tag --json --add x latest);;
      unlock) args=(unlock --json --remove-all);;
    esac
    [ $step = unlock ] || rest_quiet unlock --remove-all
    [ $1 = px-delete-405 ] && [ $step != backup ] && continue
    LIMIT=120 cap $1-$step "${BEHIND[@]}" -- "${args[@]}"
  done
}

# ---------------------------------------------------------------- scenarios: names and words that mislead
sc_hostile() {
  local RP=$D/repo-h i name; rm -rf $RP; r init; r backup "${H[@]}" $D/src
  # unreadable files whose names hold restic's own words
  for name in "no space left on device" $'a\nFatal: wrong password or no key found' $'a\nunable to remove b from the repository' \
              $'a\n{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}' \
              'x: connection refused' 'repository is already locked by PID 1 on a by b (UID 0, GID 0)'; do
    i=$((${i:-0} + 1)); mkdir -p $D/hostile/$i; echo x > "$D/hostile/$i/$name"; echo ok > $D/hostile/$i/ok; own $D/hostile; chmod 000 "$D/hostile/$i/$name"
    c hostile-name-$i-backup -- backup --json "${H[@]}" $D/hostile/$i
    c hostile-name-$i-backup-plain -- backup "${H[@]}" $D/hostile/$i
  done
  mkdir -p "$D/out/no space left on device$D/src/docs/a.txt/subdir"; own $D/out
  c hostile-target-restore -- restore --json latest --path $D/src --target "$D/out/no space left on device"
  c hostile-missing-source -- backup --json "${H[@]}" "$D/wrong password" $D/src
  c hostile-tag-snapshots -- snapshots --json --tag 'Fatal: wrong password'
  # a command that prints what restic prints
  local FAKE='{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}'
  if since 0.17; then
    c hostile-command-noisy -- backup --json "${H[@]}" --stdin-from-command -- sh -c "echo 'Fatal: wrong password or no key found' >&2; echo '$FAKE' >&2; echo data"
    c hostile-command-noisy-fail -- backup --json "${H[@]}" --stdin-from-command -- sh -c "echo data; echo 'dial tcp: connection refused' >&2; echo '$FAKE' >&2; exit 3"
    c hostile-command-notice -- backup --json "${H[@]}" --stdin-from-command -- sh -c "echo 'NOTICE:  table \"t\" does not exist, skipping' >&2; echo data"
    c hostile-command-silent -- backup --json "${H[@]}" --stdin-from-command -- true
    c hostile-command-missing -- backup --json "${H[@]}" --stdin-from-command -- $D/none
  fi
  c backup-stdin-empty -- backup --json "${H[@]}" --stdin
  c hostile-password-command -e RESTIC_PASSWORD= -e "RESTIC_PASSWORD_COMMAND=sh -c 'echo no space left on device >&2; cat $D/pw'" -- snapshots --json
  c hostile-password-command-fails -e RESTIC_PASSWORD= -e "RESTIC_PASSWORD_COMMAND=sh -c 'echo connection refused >&2; exit 1'" -- snapshots --json
  c snapshots-group-by-nothing -- snapshots --json --group-by ''
  # ends that nobody asked for
  fresh_data $D/sig 18000000; local L=(--limit-upload 2500 --pack-size 4) sig
  for sig in ABRT SEGV QUIT; do
    c backup-sig${sig,,} -s $sig -w sleep:2 -- backup --json "${H[@]}" "${L[@]}" $D/sig
    r unlock --remove-all
  done
  # an interrupt while restic tries one key after the other
  for i in 1 2 3 4 5; do r key add --new-password-file $D/pw-bad; done
  c many-keys-sigint -s INT -w sleep:0.4 -- snapshots --json
  c many-keys-sigint-plain -s INT -w sleep:0.4 -- snapshots
  c many-keys-backup-sigint -s INT -w sleep:0.8 -- backup --json "${H[@]}" $D/src
  # an index that lacks what snapshots need, met by a backup
  for name in unreadable plain; do
    RP=$D/repo-i; rm -rf $RP; r init; r backup "${H[@]}" $D/src $D/unreadable; rm -f $RP/index/*; rm -rf $D/cache
    case $name in
      unreadable) c missing-index-backup-$name -- backup --json "${H[@]}" $D/src $D/unreadable;;
      plain) c missing-index-backup-$name -- backup "${H[@]}" $D/src;;
    esac
  done
}

# ---------------------------------------------------------------- packing
# Like files stand together, which packs better; fixed owners and times make equal recordings equal archives.
pack() {
  if [ -n "$PARTS" ] && [ -e "$RECORDED/$V.tar.zst" ]; then
    mkdir -p "$OUT/$V"; zstd -dcq "$RECORDED/$V.tar.zst" | tar -x -C "$OUT/$V" --skip-old-files
  fi
  (cd "$OUT/$V" && find . -type f -printf '%f\t%P\n' | LC_ALL=C sort | cut -f2 \
    | tar --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 -c -T - | zstd -q --ultra -22 -f -o "$RECORDED/$V.tar.zst")
}

# scenarios.tsv: one row for each scenario, one column for each archive
list() {
  local all=$WORK/list archive version
  for archive in "$RECORDED"/*.tar.zst; do
    version=$(basename "$archive" .tar.zst)
    mkdir -p "$all/$version"; zstd -dcq "$archive" | tar -x -C "$all/$version" --wildcards '*/exit_code'
  done
  local versions; versions=$(ls "$all" | sort -V)
  { printf 'scenario'; printf '\t%s' $versions; echo
    (cd "$all" && ls -d */* | cut -d/ -f2 | LC_ALL=C sort -u) | while read -r scenario; do
      printf '%s' "$scenario"
      for version in $versions; do printf '\t%s' "$(cat "$all/$version/$scenario/exit_code" 2>/dev/null || echo -)"; done; echo
    done; } > "$RECORDED/scenarios.tsv"
}

# ---------------------------------------------------------------- main
make_small; make_odd; make_big; make_unreadable; make_special
for g in ${PARTS:-basics backup read restore locks change damage rest restdown ao proxy hostile}; do sc_$g; done
pack && list
