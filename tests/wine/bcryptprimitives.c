/* Older Wine lacks this library, from which Rust's standard library takes its random numbers on Windows. */

#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t length)
{
    const unsigned long most = 0x10000;
    while (length > 0) {
        unsigned long now = length < most ? (unsigned long)length : most;
        if (!SystemFunction036(buffer, now)) {
            return 0;
        }
        buffer += now;
        length -= now;
    }
    return 1;
}
