/* A stand-in for NVIDIA's management library, for machines without a GPU. It proves our code, not NVIDIA's behaviour.
 *
 * Every call reads its answer afresh from a file of key=value lines, so that a test can heat the GPU, take a figure away or lose the
 * whole card while the program runs. The file is the library's own path with ".values" behind it, or what NVML_STUB_VALUES names.
 *
 *   init=!DRIVER_NOT_LOADED      a value that begins with "!" is the error that the call returns
 *   driver=580.1                 count=1
 *   gpu0=!GPU_IS_LOST            the handle of a GPU; it needs no line otherwise
 *   gpu0.temperature=45          an absent key is NOT_SUPPORTED
 *   gpu0.graphics_processes=1234:1048576,99:2048     pid:bytes; compute_processes likewise
 *
 * A symbol is taken out when the stub is built:  -DnvmlDeviceGetTemperature=absent
 * The shapes of the calls are those of NVML 12.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7 };

typedef int Return;
typedef void *Device; /* the index of the GPU plus one */

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned id, pid, vgpu, codec, width, height, fps, latency_us; } EncoderSession;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } Process;

static const struct { const char *name; Return code; } ERRORS[] = {
    {"UNINITIALIZED", 1},      {"INVALID_ARGUMENT", 2},  {"NOT_SUPPORTED", 3},         {"NO_PERMISSION", 4},
    {"NOT_FOUND", 6},          {"INSUFFICIENT_SIZE", 7}, {"DRIVER_NOT_LOADED", 9},     {"TIMEOUT", 10},
    {"GPU_IS_LOST", 15},       {"RESET_REQUIRED", 16},   {"OPERATING_SYSTEM", 17},     {"LIB_RM_VERSION_MISMATCH", 18},
    {"NO_DATA", 21},           {"UNKNOWN", 999},
};

static Return error_named(const char *name) {
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (!strcmp(ERRORS[i].name, name)) return ERRORS[i].code;
    return 999;
}

static FILE *open_values(void) {
    const char *path = getenv("NVML_STUB_VALUES");
    char beside[4096];
    Dl_info self;
    if (!path && dladdr((void *)open_values, &self) && self.dli_fname) {
        snprintf(beside, sizeof beside, "%s.values", self.dli_fname);
        path = beside;
    }
    return path ? fopen(path, "r") : NULL;
}

static Return value(const char *key, char *out, size_t size) {
    FILE *file = open_values();
    char line[4096];
    Return found = NOT_SUPPORTED;
    while (file && found == NOT_SUPPORTED && fgets(line, sizeof line, file)) {
        char *equals = strchr(line, '=');
        line[strcspn(line, "\r\n")] = 0;
        if (!equals || line[0] == '#') continue;
        *equals = 0;
        if (strcmp(line, key)) continue;
        if (equals[1] == '!') { fclose(file); return error_named(equals + 2); }
        snprintf(out, size, "%s", equals + 1);
        found = SUCCESS;
    }
    if (file) fclose(file);
    return found;
}

static Return of_gpu(Device device, const char *name, char *out, size_t size) {
    char key[128];
    snprintf(key, sizeof key, "gpu%ld.%s", (long)(size_t)device - 1, name);
    return value(key, out, size);
}

static Return number_of_gpu(Device device, const char *name, unsigned long long *out) {
    char text[64];
    Return result = of_gpu(device, name, text, sizeof text);
    if (result == SUCCESS) *out = strtoull(text, NULL, 0);
    return result;
}

static Return figure(Device device, const char *name, unsigned *out) {
    unsigned long long wide = 0;
    Return result = number_of_gpu(device, name, &wide);
    if (result == SUCCESS) *out = (unsigned)wide;
    return result;
}

Return nvmlInit_v2(void) {
    char text[16];
    Return result = value("init", text, sizeof text);
    return result == NOT_SUPPORTED ? SUCCESS : result;
}
Return nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(Return code) {
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code) return ERRORS[i].name;
    return "SUCCESS";
}
Return nvmlSystemGetDriverVersion(char *out, unsigned size) { return value("driver", out, size); }
Return nvmlDeviceGetCount_v2(unsigned *out) {
    char text[16];
    Return result = value("count", text, sizeof text);
    if (result == SUCCESS) *out = (unsigned)atoi(text);
    return result;
}
Return nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *out) {
    char key[32], text[16];
    snprintf(key, sizeof key, "gpu%u", index);
    Return result = value(key, text, sizeof text);
    if (result != SUCCESS && result != NOT_SUPPORTED) return result;
    *out = (Device)(size_t)(index + 1);
    return SUCCESS;
}

Return nvmlDeviceGetName(Device d, char *out, unsigned size) { return of_gpu(d, "name", out, size); }
Return nvmlDeviceGetUUID(Device d, char *out, unsigned size) { return of_gpu(d, "uuid", out, size); }
Return nvmlDeviceGetMemoryInfo_v2(Device d, Memory *out) {
    Return result = number_of_gpu(d, "memory_total", &out->total);
    if (result == SUCCESS) result = number_of_gpu(d, "memory_used", &out->used);
    out->reserved = 0;
    out->free = out->total - out->used;
    return result;
}
Return nvmlDeviceGetUtilizationRates(Device d, Utilization *out) {
    out->memory = 0;
    return figure(d, "utilization", &out->gpu);
}
Return nvmlDeviceGetEncoderUtilization(Device d, unsigned *out, unsigned *period_us) {
    *period_us = 167000;
    return figure(d, "encoder_utilization", out);
}
Return nvmlDeviceGetEncoderStats(Device d, unsigned *sessions, unsigned *fps, unsigned *latency_us) {
    *latency_us = 0;
    Return result = figure(d, "encoder_sessions", sessions);
    return result == SUCCESS ? figure(d, "encoder_fps", fps) : result;
}
Return nvmlDeviceGetEncoderSessions(Device d, unsigned *count, EncoderSession *infos) {
    unsigned room = *count;
    Return result = figure(d, "encoder_session_list", count);
    if (result == SUCCESS && infos) memset(infos, 0, sizeof *infos * (*count < room ? *count : room));
    return result;
}
Return nvmlDeviceGetTemperature(Device d, int sensor, unsigned *out) {
    return sensor ? INVALID_ARGUMENT : figure(d, "temperature", out);
}
Return nvmlDeviceGetPowerUsage(Device d, unsigned *milliwatts) { return figure(d, "power_mw", milliwatts); }
Return nvmlDeviceGetEnforcedPowerLimit(Device d, unsigned *milliwatts) { return figure(d, "power_limit_mw", milliwatts); }
Return nvmlDeviceGetClockInfo(Device d, int clock, unsigned *mhz) {
    return clock == 0 ? figure(d, "graphics_clock", mhz) : clock == 3 ? figure(d, "video_clock", mhz) : NOT_SUPPORTED;
}
Return nvmlDeviceGetCurrentClocksThrottleReasons(Device d, unsigned long long *bits) {
    return number_of_gpu(d, "throttle_reasons", bits);
}

static Return processes(Device d, const char *name, unsigned *count, Process *out) {
    char text[4096];
    unsigned room = *count, found = 0;
    Return result = of_gpu(d, name, text, sizeof text);
    if (result != SUCCESS) return result;
    for (char *rest = text, *part; (part = strsep(&rest, ",")) && *part; found++) {
        if (!out || found >= room) continue;
        char *bytes = strchr(part, ':');
        memset(&out[found], 0, sizeof *out);
        out[found].pid = (unsigned)strtoul(part, NULL, 10);
        out[found].used = bytes ? strtoull(bytes + 1, NULL, 10) : ~0ULL;
        out[found].gpu_instance = out[found].compute_instance = 0xFFFFFFFF;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}
Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device d, unsigned *count, Process *out) {
    return processes(d, "graphics_processes", count, out);
}
Return nvmlDeviceGetComputeRunningProcesses_v3(Device d, unsigned *count, Process *out) {
    return processes(d, "compute_processes", count, out);
}
