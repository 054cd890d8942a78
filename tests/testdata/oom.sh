# Runs a program that takes 64 MB in a control group that may have 16 MB.
set -e
folder=$1
if [ -d /sys/fs/cgroup/memory ]; then
  group=/sys/fs/cgroup/memory/dt_oom_$$
  limit=memory.limit_in_bytes
else
  group=/sys/fs/cgroup/dt_oom_$$
  limit=memory.max
fi
mkdir "$group"
trap 'rmdir "$group"' EXIT
echo 16777216 > "$group/$limit"
cat > "$folder/hog.c" <<'C'
#include <stdlib.h>
#include <string.h>
int main(void) {
  char *memory = malloc(64 << 20);
  memset(memory, 1, 64 << 20);
  return memory[12345];
}
C
gcc -O0 -o "$folder/hog" "$folder/hog.c"
sh -c 'echo $$ > "$1/cgroup.procs"; exec "$2"' sh "$group" "$folder/hog" || true
