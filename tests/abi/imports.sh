#!/bin/sh
# imports.sh ARCHIVE: no object of the static library calls what ends, prints into, or changes its host's process.
set -eu
imports=$(nm -A --undefined-only "$1" | sed -E 's/^[^:]*:([^:]*): *U */\1:/; s/@.*//' | sort -u) # object:function
[ "$(echo "$imports" | wc -l)" -gt 100 ] || { echo "$1: too few imports to be the library"; exit 1; }

# Where one of them is harmless, and why.
may() {
    case $1 in
    text.c.o:strtod | text.c.o:strtof) ;; # reads back what snprintf wrote in the same locale
    *) return 1 ;;
    esac
}

# Function, then what it would do to the host.
while read -r pattern reason; do
    for name in $imports; do
        case ${name#*:} in
        $pattern) may "$name" || { echo "${name%%:*} calls ${name#*:}, which $reason" && failed=1; } ;;
        esac
    done
done <<'LIST'
abort ends the process
exit ends the process
_exit ends the process
_Exit ends the process
quick_exit ends the process
__assert* ends the process
raise sends a signal
kill sends a signal
signal changes signal handlers
sigaction changes signal handlers
sigprocmask changes the signal mask
atexit registers process-wide code
printf prints
vprintf prints
__printf_chk prints
puts prints
putchar prints
fprintf writes to a stream
vfprintf writes to a stream
__fprintf_chk writes to a stream
fputs writes to a stream
fputc writes to a stream
fwrite writes to a stream
perror prints
dprintf writes to a descriptor
syslog writes to the system's log
stdout is a stream of the host
stderr is a stream of the host
stdin is a stream of the host
setlocale changes the locale
uselocale changes the thread's locale
strtod reads numbers by the host's locale
strtof reads numbers by the host's locale
strtold reads numbers by the host's locale
atof reads numbers by the host's locale
*scanf reads numbers by the host's locale
toupper depends on the host's locale
tolower depends on the host's locale
__ctype* depends on the host's locale
strcoll depends on the host's locale
rand* shares a state with the host
srand* shares a state with the host
drand48 shares a state with the host
strtok shares a state with the host
strerror shares a buffer with the host
localtime shares a buffer with the host
gmtime shares a buffer with the host
setenv changes the environment
putenv changes the environment
unsetenv changes the environment
chdir changes the working directory
umask changes the process
fork makes a process
vfork makes a process
exec* replaces the process
system runs a shell
popen runs a shell
LIST
[ -z "${failed:-}" ]
