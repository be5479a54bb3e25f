/* Runs a program and says on standard error how much memory it took at most, in KiB: wait4(2). What
 * it runs inherits nothing of this process but the little that a static executable has. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    struct rusage used;
    int status;
    pid_t child = count > 1 ? vfork() : -1;

    if (child == 0) {
        execv(words[1], words + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return 1;
    dprintf(2, "%ld\n", used.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
