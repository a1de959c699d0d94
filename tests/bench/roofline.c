/* Prints what this machine can do at best, for one thread and for two:
 *     roofline [ROUNDS]
 * Shared machines have good and bad minutes: the best of several rounds counts. */
#include "limits.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int32_t n_rounds = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : 5;
    printf("%10s %10s\n", "1 thread", "2 threads");
    for (int32_t limit = 0; limit < LLMB_N_LIMITS; limit++)
        printf("%10.1f %10.1f  %s\n", llmb_limit_measure(limit, 1, n_rounds), llmb_limit_measure(limit, 2, n_rounds),
               llmb_limit_name(limit));
    return 0;
}
