#include <stdio.h>

__attribute__((constructor)) static void run(void) {
    puts(MESSAGE);
}
