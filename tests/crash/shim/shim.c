/* Stands between a program and its disk: records what it does to the files below one folder, and makes chosen operations fail.
 *
 * Preloaded (LD_PRELOAD), so the program under test is the very one that is shipped. Set by the environment:
 *
 *   SHIM_DIR=FOLDER          what is watched: every path at or below this absolute, canonical path. Without it nothing happens.
 *   SHIM_LOG=FILE            where operations that changed something are recorded, in the order in which they happened, over all
 *                            threads and processes. Outside of SHIM_DIR.
 *   SHIM_MARKS=FILE|stdout   what is written there is recorded as a mark: the program's own word of what it has done.
 *   SHIM_SHARED=FILE         counters that a test can read, and a budget that it can change meanwhile: struct shared below.
 *   SHIM_FAIL=CLASS:K:HOW[:on]  makes the K-th operation (from 1) of a class fail, or with ":on" it and all after it. CLASS is read,
 *                            write, sync, truncate, open, unlink, rename, any (of those), or memory: malloc and realloc as the
 *                            program itself calls them, which is SQLite. HOW is EIO, ENOSPC, EINTR, EMFILE, EROFS, ENOMEM, or
 *                            SHORT: half of the bytes are read or written, and the caller is told so.
 *   SHIM_BUDGET=BYTES        by so much the files may grow together; then ENOSPC, after a short write of what fits.
 *
 * A recorded operation is a struct record, then its path, its second path and its bytes. Files are known by the path that they have
 * at that moment, which the kernel keeps true over dup and rename; what is done to a file without a name is not recorded. What is
 * written through a shared mapping goes unseen: only SQLite's -shm does that, which is rebuilt after a crash, and a mapping of
 * anything else is recorded as such. System calls are made directly, so nothing here calls itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { READ, WRITE, SYNC, TRUNCATE, OPEN, UNLINK, RENAME, ANY, MEMORY, CLASSES };
static const char *const CLASS_NAMES[CLASSES] = {"read", "write", "sync", "truncate", "open", "unlink", "rename", "any", "memory"};

static const struct { const char *name; int number; } ERRORS[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EMFILE", EMFILE}, {"EROFS", EROFS}, {"ENOMEM", ENOMEM}, {"SHORT", -1}};

/* The file of SHIM_SHARED, as the test reads it. */
struct shared {
    uint64_t counts[CLASSES]; /* operations so far, in the order of enum class */
    uint64_t failed;          /* of those, how many were made to fail */
    uint64_t budget;          /* bytes by which files may grow; all ones: no limit */
    uint64_t used;            /* by how many they have */
    uint64_t is_ready;
    pthread_mutex_t lock;     /* robust: a process may be killed while it holds it */
};

struct record {
    uint8_t kind; /* 'C'reate 'W'rite 'T'runcate 'S'ync 'R'ename 'L'ink 'U'nlink 'D' mkdir 'X' rmdir 'A' mark 'M'apped 'F'ailed */
    uint8_t class;
    uint16_t path_length, path2_length, padding;
    uint32_t process, data_length;
    uint64_t offset; /* of a write; the size of a truncation; the number of the error of a failure */
};

static char dir[PATH_MAX], marks[PATH_MAX];
static size_t dir_length;
static int log_fd = -1, fail_class = -1, fail_error, fail_stays, marks_stdout;
static uint64_t fail_at;
static uintptr_t program_start, program_end;
static struct shared *shared;

static int find_program(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        program_start = info->dlpi_addr + part->p_vaddr;
        program_end = program_start + part->p_memsz;
    }
    return 1; /* the first object is the program itself */
}

static void refuse(const char *what) {
    dprintf(2, "shim: %s\n", what);
    _exit(99);
}

static void read_failure(const char *text) {
    char class[16], how[16], stays[4] = "";
    unsigned long long at;
    if (sscanf(text, "%15[a-z]:%llu:%15[A-Z]:%3s", class, &at, how, stays) < 3) refuse("SHIM_FAIL is CLASS:K:HOW[:on]");
    for (int i = 0; i < CLASSES; i++)
        if (!strcmp(class, CLASS_NAMES[i])) fail_class = i;
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(how, ERRORS[i].name)) fail_error = ERRORS[i].number;
    if (fail_class < 0 || !fail_error) refuse("SHIM_FAIL names no class or error that there is");
    fail_at = at;
    fail_stays = !strcmp(stays, "on");
}

static void open_shared(const char *file) {
    int fd = file ? syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file && (fd < 0 || syscall(SYS_ftruncate, fd, sizeof *shared))) refuse("SHIM_SHARED cannot be opened");
    shared = (void *)syscall(SYS_mmap, 0, sizeof *shared, PROT_READ | PROT_WRITE, file ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    if (shared == MAP_FAILED) refuse("SHIM_SHARED cannot be mapped");
    if (fd >= 0) syscall(SYS_close, fd);
    if (__atomic_exchange_n(&shared->is_ready, 1, __ATOMIC_SEQ_CST)) return;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->lock, &kind);
    const char *budget = getenv("SHIM_BUDGET");
    shared->budget = budget ? strtoull(budget, NULL, 10) : UINT64_MAX;
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("SHIM_DIR"), *log = getenv("SHIM_LOG"), *fail = getenv("SHIM_FAIL"), *mark = getenv("SHIM_MARKS");
    if (!folder) return;
    dl_iterate_phdr(find_program, NULL);
    if (fail) read_failure(fail);
    open_shared(getenv("SHIM_SHARED"));
    if (log) {
        int fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        /* Out of the way of the numbers that the program gets. */
        log_fd = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
        if (log_fd < 0) refuse("SHIM_LOG cannot be opened");
        syscall(SYS_close, fd);
    }
    marks_stdout = mark && !strcmp(mark, "stdout");
    if (mark && !marks_stdout) snprintf(marks, sizeof marks, "%s", mark);
    snprintf(dir, sizeof dir, "%s", folder);
    dir_length = strlen(dir);
}

/* One at a time, over all processes: what is recorded has one order, and it is the one in which it happened. */
static void lock(void) {
    if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD) pthread_mutex_consistent(&shared->lock);
}

static void unlock(void) {
    int kept = errno;
    pthread_mutex_unlock(&shared->lock);
    errno = kept;
}

static int is_watched(const char *path) {
    return dir_length && !strncmp(path, dir, dir_length) && (path[dir_length] == '/' || !path[dir_length]);
}

/* The path that an open file has now: 1 if it is watched, 2 if it takes marks. */
static int path_of(int fd, char path[PATH_MAX]) {
    if (!dir_length || fd < 0) return 0;
    int kept = errno;
    if (fd == 1 && marks_stdout) return strcpy(path, "stdout"), 2;
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    errno = kept;
    if (length < 0) return 0;
    path[length] = 0;
    if (*marks && !strcmp(path, marks)) return 2;
    return is_watched(path);
}

/* The absolute path of a name, as the program gave it: no link in it is followed. */
static int path_at(int folder, const char *name, char path[PATH_MAX]) {
    if (!dir_length || !name) return 0;
    if (*name == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char link[32];
        int kept = errno;
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
        errno = kept;
        if (length < 0 || length + strlen(name) + 2 > PATH_MAX) return 0;
        path[length] = '/';
        strcpy(path + length + 1, name);
    }
    return is_watched(path);
}

static void record(char kind, int class, const char *path, const char *path2, uint64_t offset, const void *data, size_t length) {
    if (log_fd < 0) return;
    int kept = errno;
    size_t one = strlen(path), two = path2 ? strlen(path2) : 0;
    struct record head = {.kind = kind, .class = class, .path_length = one, .path2_length = two, .process = getpid(),
                          .data_length = length, .offset = offset};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, one}, {(void *)(path2 ? path2 : ""), two}, {(void *)data, length}};
    if (syscall(SYS_writev, log_fd, parts, 4) != (long)(sizeof head + one + two + length)) refuse("SHIM_LOG cannot be written");
    errno = kept;
}

/* Counts an operation; not 0 if it is to fail: errno is set, or -1 says that it is to be short. */
static int is_chosen(int class) {
    uint64_t own = ++shared->counts[class];
    uint64_t any = class == MEMORY ? 0 : ++shared->counts[ANY];
    uint64_t number = fail_class == class ? own : fail_class == ANY ? any : 0;
    if (!number || !(number == fail_at || (fail_stays && number > fail_at))) return 0;
    shared->failed++;
    errno = fail_error;
    return fail_error;
}

static int fails(int class, const char *path) {
    int failure = is_chosen(class);
    if (!failure || (failure < 0 && class > WRITE)) return 0;
    record('F', class, path, NULL, failure < 0 ? 0 : failure, NULL, 0);
    return failure;
}

/* How much of a growth from `size` to `end` there is room for: less than asked sets errno. */
static uint64_t room(uint64_t size, uint64_t end) {
    if (end <= size) return end;
    uint64_t left = shared->budget > shared->used ? shared->budget - shared->used : 0, grown = end - size;
    if (grown > left) errno = ENOSPC, grown = left;
    shared->used += grown;
    return size + grown;
}

static uint64_t size_of(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : (uint64_t)found.st_size;
}

static char *joined(const struct iovec *parts, int count, size_t length) {
    char *bytes = (char *)syscall(SYS_mmap, 0, length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *end = bytes;
    if (bytes == MAP_FAILED) refuse("no memory to record with");
    for (int i = 0; i < count; end += parts[i].iov_len, i++) memcpy(end, parts[i].iov_base, parts[i].iov_len);
    return bytes;
}

static ssize_t wrote(int fd, const struct iovec *parts, int count, off_t at) {
    char path[PATH_MAX];
    int found = path_of(fd, path);
    if (!found) return at < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, at, 0);
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    const char *bytes = count == 1 ? parts->iov_base : joined(parts, count, length);
    lock();
    ssize_t done = -1;
    int failure = found == 1 ? fails(WRITE, path) : 0;
    if (failure <= 0) {
        uint64_t size = size_of(fd), appends = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND;
        uint64_t start = at >= 0 ? (uint64_t)at : appends ? size : (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
        size_t wanted = failure < 0 && length > 1 ? length / 2 : length;
        if (found == 1) {
            uint64_t end = room(size, start + wanted);
            wanted = end > start ? end - start : 0;
        }
        if (wanted || !length) done = at < 0 ? syscall(SYS_write, fd, bytes, wanted) : syscall(SYS_pwrite64, fd, bytes, wanted, at);
        if (done >= 0) record(found == 2 ? 'A' : 'W', WRITE, path, NULL, start, bytes, done);
    }
    unlock();
    int kept = errno;
    if (count != 1) syscall(SYS_munmap, bytes, length + 1);
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return wrote(fd, &(struct iovec){(void *)data, length}, 1, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return wrote(fd, &(struct iovec){(void *)data, length}, 1, at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) { return pwrite(fd, data, length, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return wrote(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return wrote(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return wrote(fd, parts, count, at); }

static ssize_t have_read(int fd, void *data, size_t length, off_t at) {
    char path[PATH_MAX];
    if (path_of(fd, path) == 1) {
        lock();
        int failure = fails(READ, path);
        unlock();
        if (failure > 0) return -1;
        if (failure < 0 && length > 1) length /= 2;
    }
    return at < 0 ? syscall(SYS_read, fd, data, length) : syscall(SYS_pread64, fd, data, length, at);
}

ssize_t read(int fd, void *data, size_t length) { return have_read(fd, data, length, -1); }
ssize_t pread(int fd, void *data, size_t length, off_t at) { return have_read(fd, data, length, at); }
ssize_t pread64(int fd, void *data, size_t length, off_t at) { return have_read(fd, data, length, at); }

ssize_t readv(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (path_of(fd, path) == 1) return have_read(fd, parts->iov_base, parts->iov_len, -1);
    return syscall(SYS_readv, fd, parts, count);
}

static int resized(int fd, int kind, off_t size) {
    char path[PATH_MAX];
    if (path_of(fd, path) != 1) return kind == 'T' ? syscall(SYS_ftruncate, fd, size) : EOPNOTSUPP;
    lock();
    int failure = fails(TRUNCATE, path), done = -1;
    uint64_t before = size_of(fd);
    if (!failure && kind == 'T') {
        if (room(before, size) == (uint64_t)size) done = syscall(SYS_ftruncate, fd, size);
        if (!done && (uint64_t)size < before) shared->used -= shared->used < before - size ? shared->used : before - size;
        if (!done) record('T', TRUNCATE, path, NULL, size, NULL, 0);
    } else if (!failure) {
        errno = EOPNOTSUPP; /* fallocate: whoever asks has to do without, and writes instead */
    }
    unlock();
    return done;
}

int ftruncate(int fd, off_t size) { return resized(fd, 'T', size); }
int ftruncate64(int fd, off_t size) { return resized(fd, 'T', size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    char path[PATH_MAX];
    return path_of(fd, path) == 1 ? resized(fd, 'P', 0) : syscall(SYS_fallocate, fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

static int synced(int fd, long call) {
    char path[PATH_MAX];
    if (path_of(fd, path) != 1) return syscall(call, fd);
    lock();
    int done = fails(SYNC, path) > 0 ? -1 : syscall(call, fd);
    if (!done) record('S', SYNC, path, NULL, 0, NULL, 0);
    unlock();
    return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int opened(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX], real[PATH_MAX];
    if (!path_at(folder, name, path)) return syscall(SYS_openat, folder, name, flags, mode);
    lock();
    int fd = -1;
    if (fails(OPEN, path) <= 0) {
        struct stat before;
        int was_there = !fstatat(folder, name, &before, 0);
        fd = syscall(SYS_openat, folder, name, flags, mode);
        if (fd >= 0 && path_of(fd, real) == 1) {
            if (!was_there && (flags & O_CREAT)) record('C', OPEN, real, NULL, 0, NULL, 0);
            else if ((flags & O_TRUNC) && S_ISREG(before.st_mode)) record('T', OPEN, real, NULL, 0, NULL, 0);
        }
    }
    unlock();
    return fd;
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *name, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE_OF(flags) return opened(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE_OF(flags) return opened(folder, name, flags, mode); }
int creat(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int truncate(const char *name, off_t size) {
    int fd = opened(AT_FDCWD, name, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    int done = resized(fd, 'T', size), kept = errno;
    syscall(SYS_close, fd);
    return errno = kept, done;
}

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!path_at(folder, name, path)) return syscall(SYS_unlinkat, folder, name, flags);
    lock();
    struct stat before = {0};
    fstatat(folder, name, &before, AT_SYMLINK_NOFOLLOW);
    int done = fails(UNLINK, path) > 0 ? -1 : syscall(SYS_unlinkat, folder, name, flags);
    if (!done) record(flags & AT_REMOVEDIR ? 'X' : 'U', UNLINK, path, NULL, 0, NULL, 0);
    uint64_t freed = S_ISREG(before.st_mode) && before.st_nlink == 1 ? before.st_size : 0;
    if (!done) shared->used -= shared->used < freed ? shared->used : freed;
    unlock();
    return done;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

static int named(int kind, int from, const char *old, int to, const char *new, unsigned flags) {
    char path[PATH_MAX], path2[PATH_MAX];
    long call = kind == 'R' ? SYS_renameat2 : SYS_linkat;
    if (!path_at(to, new, path2) || !path_at(from, old, path)) return syscall(call, from, old, to, new, flags);
    lock();
    int done = fails(RENAME, path) > 0 ? -1 : syscall(call, from, old, to, new, flags);
    if (!done) record(kind, RENAME, path, path2, 0, NULL, 0);
    unlock();
    return done;
}

int rename(const char *old, const char *new) { return named('R', AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return named('R', from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) { return named('R', from, old, to, new, flags); }
int link(const char *old, const char *new) { return named('L', AT_FDCWD, old, AT_FDCWD, new, 0); }
int linkat(int from, const char *old, int to, const char *new, int flags) { return named('L', from, old, to, new, flags); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (!path_at(folder, name, path)) return syscall(SYS_mkdirat, folder, name, mode);
    lock();
    int done = syscall(SYS_mkdirat, folder, name, mode);
    if (!done) record('D', OPEN, path, NULL, 0, NULL, 0);
    unlock();
    return done;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    char path[PATH_MAX];
    if (fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && path_of(fd, path) == 1) {
        lock();
        record('M', WRITE, path, NULL, offset, NULL, 0);
        unlock();
    }
    return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(at, length, protection, flags, fd, offset);
}

/* Copies inside the kernel go unseen, so there are none: who asks copies by reading and writing. */
ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags) {
    char path[PATH_MAX];
    if (path_of(out, path)) return errno = ENOSYS, -1;
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}
ssize_t sendfile(int out, int in, off_t *at, size_t length) {
    char path[PATH_MAX];
    return path_of(out, path) ? (errno = ENOSYS, -1) : syscall(SYS_sendfile, out, in, at, length);
}
ssize_t sendfile64(int out, int in, off_t *at, size_t length) { return sendfile(out, in, at, length); }

void *__libc_malloc(size_t);
void *__libc_realloc(void *, size_t);

/* Only what the program itself asks for: Rust has an allocator of its own, so that is SQLite. The C library is left in peace. */
static int memory_fails(void *caller) {
    if (!dir_length || (uintptr_t)caller < program_start || (uintptr_t)caller >= program_end) return 0;
    lock();
    int failure = is_chosen(MEMORY);
    unlock();
    if (failure) errno = ENOMEM;
    return failure;
}

void *malloc(size_t size) { return memory_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }
void *realloc(void *old, size_t size) { return memory_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size); }
