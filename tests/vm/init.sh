#!/bin/sh
# First process of the virtual machine: mounts what a Linux system has, then the host's folders; runs
# the command that lies in the shared folder; leaves its status there; powers off.
export PATH=/usr/bin HOME=/root TMPDIR=/tmp LANG=C.UTF-8 NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs securityfs /sys/kernel/security
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
for module in /modules/*.ko; do insmod "$module"; done
options=trans=virtio,version=9p2000.L,msize=524288
mount -t 9p -o $options shared /shared || poweroff -f
project=$(cat /shared/project)
mkdir -p "$project"
mount -t 9p -o $options,ro,cache=loose project "$project"
if [ -e /shared/oracle ]; then
	mkdir -p /root/.cache/dt-oracle
	mount -t 9p -o $options,ro,cache=loose oracle /root/.cache/dt-oracle
fi
ip link set lo up
# Pipes between the command and the ports: Deno would take a port for an odd device.
mkfifo /run/out /run/err
for port in /sys/class/virtio-ports/*; do
	name=$(cat "$port/name")
	cat <"/run/$name" >"/dev/${port##*/}" &
done
(cd "$project" && exec sh /shared/command) </dev/null >/run/out 2>/run/err
echo $? >/shared/status.new
# A process that was left behind may hold a pipe open: it is not waited for.
sleep 0.2
sync
mv /shared/status.new /shared/status
poweroff -f
