#!/usr/bin/env bash
# Stops what tests/support/slurm/start.sh FOLDER started, and nothing else.
set -euo pipefail
folder=$1
for name in slurmd slurmctld munged; do
  if [ -s "$folder/run/$name.pid" ]; then
    kill "$(cat "$folder/run/$name.pid")" || true
  fi
done
for file in slurm.conf gres.conf cgroup.conf; do
  if [ "$(readlink "/etc/slurm/$file")" = "$folder/$file" ]; then
    rm "/etc/slurm/$file"
  fi
done
