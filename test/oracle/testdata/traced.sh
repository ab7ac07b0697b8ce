#!/bin/sh
# Run an interpreter on /workspace/NAME under strace in a throw-away copy of the machine:
# every directory is an overlay that ends with this process, and there is no network.
#
#   unshare --mount --net --pid --ipc --fork --kill-child sh traced.sh BASE OUT INTERPRETER NAME
#
# BASE is an empty directory for the overlay. OUT holds the files of /workspace and
# /inputs, and gets the trace, what the code printed, and how it ended.
set -eu
base=$1 out=$2 interpreter=$3 name=$4
root=$base/root

mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$root"
mkdir -p "$root/workspace" "$root/inputs" "$root/oracle"
for dir in workspace inputs tmp; do mount -t tmpfs tmpfs "$root/$dir"; done
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
cp "$out"/files/* "$root/workspace/"
cp "$out"/files/* "$root/inputs/"
mount --bind "$out" "$root/oracle"

set +e
chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 sh -c '
cd /workspace
timeout -k 1 20 strace -f -qq -y -s 4096 -o /oracle/trace -e signal=none \
  -e trace=execve,execveat,clone,clone3,fork,vfork,open,openat,openat2,creat,unlink,unlinkat,rmdir,rename,renameat,renameat2,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat,chown,lchown,fchownat,utimensat,chdir,chroot,mount,socket,connect,bind,kill,tkill,ptrace,inotify_add_watch,setuid,setpriority,memfd_create \
  "$0" "$1" < /dev/null > /oracle/stdout 2> /oracle/stderr
echo $? > /oracle/end' "$interpreter" "$name"
