/* Starts a program again and again, waits for its end each time, and prints how long that took, in nanoseconds, one on a
 * line. What the program prints goes nowhere; one that fails ends it.
 *
 * starter COUNT PROGRAM ARGUMENT...
 */

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What isn't counted: until caches are used to it. */
enum { WARM_UP = 20 };

extern char **environ;

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int count, char **words) {
    if (count < 3)
        return 64;
    long wanted = atol(words[1]);
    long *took = calloc((size_t)wanted, sizeof *took);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, nowhere, STDOUT_FILENO);
    for (long run = -WARM_UP; run < wanted; run++) {
        pid_t child;
        int status;
        long began = now();
        if (posix_spawn(&child, words[2], &actions, NULL, words + 2, environ) != 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (run >= 0)
            took[run] = now() - began;
        if (status != 0) {
            fprintf(stderr, "%s ended with %d\n", words[2], status);
            return 1;
        }
    }
    for (long run = 0; run < wanted; run++)
        printf("%ld\n", took[run]);
    return 0;
}
