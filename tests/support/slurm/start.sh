#!/usr/bin/env bash
# A Slurm of this machine alone, for the tests of profiles/slurm-noacct: no accounting, two pretend
# GPUs. Needs root and, on Debian:  apt-get install -y --no-install-recommends slurm-wlm munge
# State, logs and configuration live in the folder $1. /etc/slurm gets links to them, since Slurm's
# jobs look for their configuration nowhere else.
# Usage:  tests/support/slurm/start.sh FOLDER;  sinfo;  tests/support/slurm/stop.sh FOLDER
set -euo pipefail
folder=$1
for file in slurm.conf gres.conf cgroup.conf; do
  if [ -e "/etc/slurm/$file" ] && [ ! -L "/etc/slurm/$file" ]; then
    echo "this machine has its own /etc/slurm/$file, which is left alone" >&2
    exit 1
  fi
done
if pgrep -x slurmctld >/dev/null || pgrep -x slurmd >/dev/null; then
  echo "a Slurm runs on this machine already" >&2
  exit 1
fi
host=$(hostname -s)
memory=$(($(awk '/MemTotal/ { print $2 }' /proc/meminfo) / 1024 * 9 / 10))
mkdir -p "$folder"/{state,spool,log,run}

# The package of munge has made its key; the folder of its socket is systemd's to make.
if ! munge -n >/dev/null 2>&1; then
  mkdir -p /run/munge
  chown munge: /run/munge
  chmod 0755 /run/munge
  runuser -u munge -- munged --pid-file=/run/munge/munged.pid
  cp /run/munge/munged.pid "$folder/run/"
fi

# Any character device will do as a GPU's file.
for number in 0 1; do
  [ -e "$folder/run/gpu$number" ] || mknod "$folder/run/gpu$number" c 1 3
done

# MinJobAge: how long ended jobs are told of; the profile wants some minutes.
# OverMemoryKill: without cgroups, memory is looked at every two seconds.
cat >"$folder/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobs.txt
MpiDefault=none
ReturnToService=2
MinJobAge=600
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:2 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=1-0 State=UP
END
echo "NodeName=$host Name=gpu File=$folder/run/gpu[0-1]" >"$folder/gres.conf"
# slurmd loads a plugin for cgroups in any case. The default wants systemd; this one stays idle.
echo "CgroupPlugin=cgroup/v1" >"$folder/cgroup.conf"
for file in slurm.conf gres.conf cgroup.conf; do
  ln -sfn "$folder/$file" "/etc/slurm/$file"
done

unset SLURM_CONF
slurmctld
slurmd -N "$host"
for _ in $(seq 30); do
  if sinfo -h -o %T 2>/dev/null | grep -q idle; then
    exit 0
  fi
  sleep 1
done
echo "Slurm does not come up; see $folder/log" >&2
exit 1
