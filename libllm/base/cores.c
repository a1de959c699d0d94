#define _GNU_SOURCE /* sched_getaffinity */

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/workers.h"

static bool read_small(char *out, size_t capacity, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, out, capacity - 1);
    close(fd);
    if (n <= 0) return false;
    out[n] = 0;
    return true;
}

/* Whole cores of a quota in microseconds per period; 0: no limit. */
static long cores_of(long quota, long period) {
    return quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;
}

/* Version 2: "max 100000" or "150000 100000". */
static long quota_v2(const char *folder) {
    char path[PATH_MAX], text[64], *rest;
    llmi_format(path, sizeof path, "%s/cpu.max", folder);
    if (!read_small(text, sizeof text, path)) return 0;
    long quota = strtol(text, &rest, 10);
    return cores_of(quota, strtol(rest, NULL, 10));
}

static long quota_v1(const char *folder) {
    char path[PATH_MAX], quota[64], period[64];
    llmi_format(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_small(quota, sizeof quota, path)) return 0;
    llmi_format(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_small(period, sizeof period, path)) return 0;
    return cores_of(strtol(quota, NULL, 10), strtol(period, NULL, 10));
}

/* The smallest limit of a group and those above it, up to the mount point. */
static long quota_upwards(const char *mount, const char *group, long (*quota)(const char *folder)) {
    char folder[PATH_MAX];
    size_t n_mount = strlen(mount);
    long least = 0;
    if (llmi_format(folder, sizeof folder, "%s%s", mount, group) >= sizeof folder) return 0;
    for (;;) {
        long n = quota(folder);
        if (n > 0 && (least == 0 || n < least)) least = n;
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + n_mount) return least;
        *slash = 0;
    }
}

/* Lines "number:controllers:group"; version 2 has no controllers. */
static long cgroup_cores(void) {
    char text[4096], *save = NULL;
    long least = 0;
    if (!read_small(text, sizeof text, "/proc/self/cgroup")) return 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *controllers++ = 0;
        *group++ = 0;
        long n = 0;
        if (!*controllers)
            n = quota_upwards("/sys/fs/cgroup", group, quota_v2);
        else if (strcmp(controllers, "cpu") == 0 || strstr(controllers, "cpu,") || strstr(controllers, ",cpu"))
            n = quota_upwards("/sys/fs/cgroup/cpu", group, quota_v1);
        if (n > 0 && (least == 0 || n < least)) least = n;
    }
    return least;
}

int32_t llmi_cores_usable(void) {
    cpu_set_t set;
    long n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    long limit = cgroup_cores();
    if (limit > 0 && limit < n) n = limit;
    return n < 1 ? 1 : n > 1024 ? 1024 : (int32_t)n;
}
