#!/bin/sh
# Installs the restic-manager agent on this Linux host, makes it a host of the server and starts it.
# Needs root, and these variables, which the server's page gives with the command:
#   RM_SERVER              the server's address
#   RM_ENROL_TOKEN         the one-time token; or
#   RM_ANNOUNCE            yes: announce this host without a token, and wait until an admin accepts it
#   RM_SERVER_FINGERPRINT  the server's fingerprint
# Backups that are here already are listed and left as they are.
set -eu
umask 077

program=/usr/local/bin/restic-manager-agent
unit=/etc/systemd/system/restic-manager-agent.service

say() { printf '%s\n' "$*"; }
fail() { printf 'restic-manager: %s\n' "$*" >&2; exit 1; }

check() {
    [ "$(uname -s)" = Linux ] || fail 'this script is for Linux'
    [ "$(id -u)" = 0 ] || fail 'root is needed; run it with sudo'
    [ -n "${RM_SERVER:-}" ] || fail 'RM_SERVER is not set; copy the whole command from the page that added this host'
    [ -n "${RM_ENROL_TOKEN:-}" ] || [ "${RM_ANNOUNCE:-}" = yes ] || fail 'RM_ENROL_TOKEN is not set; copy the whole command from the page that added this host'
    [ -n "${RM_SERVER_FINGERPRINT:-}" ] || fail 'RM_SERVER_FINGERPRINT is not set; copy the whole command from the page that added this host'
    command -v sha256sum >/dev/null || fail 'sha256sum is missing; install coreutils'
    case "$(uname -m)" in
        x86_64 | amd64) arch=amd64 ;;
        aarch64 | arm64) arch=arm64 ;;
        *) fail "there is no agent for the processor $(uname -m)" ;;
    esac
}

fetch() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --output "$2" "$1" </dev/null
    elif command -v wget >/dev/null; then
        wget --quiet --output-document "$2" "$1" </dev/null
    else
        fail 'neither curl nor wget is here; install one of them'
    fi
}

install_program() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    say "Downloading the agent for linux/$arch from $RM_SERVER"
    fetch "$RM_SERVER/agent/binary?os=linux&arch=$arch" "$folder/restic-manager-agent" \
        || fail "the agent could not be downloaded; check that this host reaches $RM_SERVER"
    fetch "$RM_SERVER/agent/binary.sha256?os=linux&arch=$arch" "$folder/sum" \
        || fail 'the checksum could not be downloaded; try again'
    wanted=$(cut -d ' ' -f 1 "$folder/sum")
    found=$(sha256sum "$folder/restic-manager-agent" | cut -d ' ' -f 1)
    [ -n "$wanted" ] && [ "$wanted" = "$found" ] || fail 'the download does not match its checksum; try again'
    mkdir -p "$(dirname "$program")"
    # Moved into place as a whole: an agent that runs keeps its old program until it is restarted.
    install -m 0755 "$folder/restic-manager-agent" "$program.new"
    mv "$program.new" "$program"
}

install_unit() {
    command -v systemctl >/dev/null || return 0
    cat >"$unit" <<'UNIT'
[Unit]
Description=restic-manager agent
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
ExecStart=/usr/local/bin/restic-manager-agent run
Restart=always
RestartSec=5
# The agent interrupts restic and waits, so that no lock stays behind; usually seconds, at most as long as this.
KillMode=mixed
TimeoutStopSec=180
StateDirectory=restic-manager
StateDirectoryMode=0700
CacheDirectory=restic-manager
CacheDirectoryMode=0700
ConfigurationDirectory=restic-manager
ConfigurationDirectoryMode=0700
UMask=0077
NoNewPrivileges=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
UNIT
    chmod 0644 "$unit"
    systemctl daemon-reload
}

enrol() {
    export RM_SERVER RM_SERVER_FINGERPRINT
    if [ -z "${RM_ENROL_TOKEN:-}" ]; then
        say 'Announcing this host'
        "$program" announce "$RM_SERVER" </dev/null || fail 'this host was not accepted; the reason is above'
        return
    fi
    say 'Enrolling this host'
    export RM_ENROL_TOKEN
    "$program" enrol </dev/null || fail 'enrolment failed; the reason is above'
    unset RM_ENROL_TOKEN
}

start() {
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        systemctl enable --quiet restic-manager-agent.service
        systemctl restart restic-manager-agent.service
        say 'The agent runs. Its log: journalctl -u restic-manager-agent'
    else
        say "systemd does not run here. Start the agent yourself: $program run"
    fi
}

# Two tools that back up the same folders are a waste, and two that prune one repository are a danger.
list_other_backups() {
    found=''
    if command -v systemctl >/dev/null; then
        for timer in $(systemctl list-unit-files --type=timer --no-legend --plain 2>/dev/null </dev/null | cut -d ' ' -f 1 | grep -i restic || true); do
            found="$found
  timer $timer    stop it with: systemctl disable --now $timer"
        done
    fi
    for file in /etc/crontab /etc/cron.d/* /etc/cron.daily/* /etc/cron.hourly/* /etc/cron.weekly/* /var/spool/cron/crontabs/* /var/spool/cron/*; do
        if [ -f "$file" ] && grep -q restic "$file" 2>/dev/null; then
            found="$found
  cron file $file    remove the line that calls restic"
        fi
    done
    [ -z "$found" ] || say "restic is already scheduled on this host. Nothing of it was changed:$found"
}

main() {
    check
    install_program
    install_unit
    enrol
    start
    list_other_backups
    command -v restic >/dev/null || say 'restic is not installed here: install it (for example: apt-get install restic) before the first backup.'
    say 'Done.'
}

main
