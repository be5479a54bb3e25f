/* The least that a provider's executable can do: print a fixed answer. */
#include <unistd.h>

static const char answer[] = ANSWER;

int main(void)
{
    return write(1, answer, sizeof answer - 1) == (ssize_t)(sizeof answer - 1) ? 0 : 1;
}
