/* Maps a file and reads or writes it through the mapping: the one thing that a program does to a
 * file and a test without unsafe code cannot. Asked over stdin: an operation, an offset and a
 * length; 'w' and 's' (the same, and synced) are followed by the bytes, 'r' is answered by them,
 * the others by one byte. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int all(int write_it, int fd, char *at, size_t len) {
    while (len) {
        ssize_t done = write_it ? write(fd, at, len) : read(fd, at, len);
        if (done <= 0)
            return 0;
        at += done;
        len -= done;
    }
    return 1;
}

static char bytes[1 << 20];

int main(int argc, char **argv) {
    struct { uint64_t op, at, len; } ask;
    int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
    if (fd < 0)
        return 1;
    while (all(0, 0, (char *)&ask, sizeof ask)) {
        uint64_t from = ask.at / 4096 * 4096, skip = ask.at - from;
        if (ask.len > sizeof bytes || (ask.op != 'r' && !all(0, 0, bytes, ask.len)))
            return 2;
        char *map = mmap(0, skip + ask.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, from);
        if (map == MAP_FAILED)
            return 3;
        if (ask.op == 'r')
            memcpy(bytes, map + skip, ask.len);
        else
            memcpy(map + skip, bytes, ask.len);
        if (ask.op == 's' && msync(map, skip + ask.len, MS_SYNC))
            return 4;
        munmap(map, skip + ask.len);
        if (!all(1, 1, bytes, ask.op == 'r' ? ask.len : 1))
            return 5;
    }
    return 0;
}
