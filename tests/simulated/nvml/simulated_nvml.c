/* A stand-in for libnvidia-ml.so.1 that answers from a scenario file.
 *
 * The file named by SIMULATED_NVML holds lines "key=value"; what has no key is answered NVML_ERROR_NOT_SUPPORTED.
 * A value "!15" is answered with that return code, "!hang" never returns, "!crash" dies with a null pointer.
 * Keys: driver, cuda, count, init, and gpu.N.KEY. A GPU whose gpu.N.all is "!15" answers everything with 15.
 * Built with -DDRIVER_OF_2021 the library lacks the functions that came later: the symbols are absent, as in an old driver.
 */
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include "nvml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define MAX_LINES 8192
#define MAX_GPUS 64
#define MAX_MIG 16

struct line { char *key; char *value; };
struct nvmlDevice_st { int gpu; int mig; }; /* mig is -1 for a whole GPU */

static struct line lines[MAX_LINES];
static size_t line_count;
static struct nvmlDevice_st gpus[MAX_GPUS], instances[MAX_GPUS][MAX_MIG];

static int by_key(const void *a, const void *b) { return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key); }

static void load(void) {
    static char *text;
    const char *path = getenv("SIMULATED_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t size = 0, capacity = 1 << 20;
    if (text || !file) return;
    text = malloc(capacity + 1);
    size = fread(text, 1, capacity, file);
    fclose(file);
    text[size] = 0;
    for (char *at = strtok(text, "\n"); at && line_count < MAX_LINES; at = strtok(NULL, "\n")) {
        char *equals = strchr(at, '=');
        if (!equals) continue;
        *equals = 0;
        lines[line_count].key = at;
        lines[line_count++].value = equals + 1;
    }
    qsort(lines, line_count, sizeof lines[0], by_key);
}

static const char *find(const char *key) {
    struct line wanted = {(char *)key, NULL}, *found;
    load();
    found = bsearch(&wanted, lines, line_count, sizeof lines[0], by_key);
    return found ? found->value : NULL;
}

/* The return code that a value stands for; success for an ordinary one. */
static nvmlReturn_t code_of(const char *value) {
    if (!value) return NVML_ERROR_NOT_SUPPORTED;
    if (value[0] != '!') return NVML_SUCCESS;
    if (!strcmp(value, "!hang")) for (;;) pause();
    if (!strcmp(value, "!crash")) *(volatile int *)0 = 1;
    if (!strcmp(value, "!abort")) abort();
    return (nvmlReturn_t)atoi(value + 1);
}

static nvmlReturn_t ask(nvmlDevice_t device, const char *key, const char **value) {
    char full[128];
    nvmlReturn_t lost;
    if (!device) return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(full, sizeof full, "gpu.%d.all", device->gpu);
    if (find(full) && (lost = code_of(find(full))) != NVML_SUCCESS) return lost;
    if (device->mig < 0) snprintf(full, sizeof full, "gpu.%d.%s", device->gpu, key);
    else snprintf(full, sizeof full, "gpu.%d.mig.%d.%s", device->gpu, device->mig, key);
    *value = find(full);
    return code_of(*value);
}

static nvmlReturn_t number(nvmlDevice_t device, const char *key, unsigned long long *out) {
    const char *value;
    nvmlReturn_t code = ask(device, key, &value);
    if (code == NVML_SUCCESS) *out = strtoull(value, NULL, 0);
    return code;
}

static nvmlReturn_t number32(nvmlDevice_t device, const char *key, unsigned int *out) {
    unsigned long long wide;
    nvmlReturn_t code = number(device, key, &wide);
    if (code == NVML_SUCCESS) *out = (unsigned int)wide;
    return code;
}

static nvmlReturn_t text(nvmlDevice_t device, const char *key, char *out, unsigned int length) {
    const char *value;
    nvmlReturn_t code = ask(device, key, &value);
    if (code == NVML_SUCCESS) snprintf(out, length, "%s", value);
    return code;
}

static nvmlReturn_t indexed(nvmlDevice_t device, const char *format, unsigned int index, unsigned int *out) {
    char key[64];
    snprintf(key, sizeof key, format, index);
    return number32(device, key, out);
}

static nvmlReturn_t system_text(const char *key, char *out, unsigned int length) {
    const char *value = find(key);
    nvmlReturn_t code = code_of(value);
    if (code == NVML_SUCCESS) snprintf(out, length, "%s", value);
    return code;
}

/* ---------------------------------------------------------------------------------------- the system */

nvmlReturn_t nvmlInitWithFlags(unsigned int flags) { (void)flags; return find("init") ? code_of(find("init")) : NVML_SUCCESS; }
nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
nvmlReturn_t nvmlShutdown(void) { return NVML_SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t code) { (void)code; return "an error of the simulated driver"; }
nvmlReturn_t nvmlSystemGetDriverVersion(char *out, unsigned int length) { return system_text("driver", out, length); }
nvmlReturn_t nvmlSystemGetNVMLVersion(char *out, unsigned int length) { return system_text("nvml", out, length); }
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *out) {
    nvmlReturn_t code = code_of(find("cuda"));
    if (code == NVML_SUCCESS) *out = atoi(find("cuda"));
    return code;
}
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *out) { return nvmlSystemGetCudaDriverVersion_v2(out); }

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *out) {
    nvmlReturn_t code = code_of(find("count"));
    if (code == NVML_SUCCESS) *out = (unsigned int)atoi(find("count"));
    return code;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *out) {
    char key[64];
    const char *value;
    if (index >= MAX_GPUS || (int)index >= atoi(find("count"))) return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(key, sizeof key, "gpu.%u.handle", index);
    value = find(key);
    if (value && code_of(value) != NVML_SUCCESS) return code_of(value);
    gpus[index].gpu = (int)index;
    gpus[index].mig = -1;
    *out = &gpus[index];
    return NVML_SUCCESS;
}

/* ---------------------------------------------------------------------------------------- identity */

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *out, unsigned int n) { return text(d, "name", out, n); }
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *out, unsigned int n) { return text(d, "uuid", out, n); }
nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t d, char *out, unsigned int n) { return text(d, "vbios", out, n); }
nvmlReturn_t nvmlDeviceGetInforomImageVersion(nvmlDevice_t d, char *out, unsigned int n) { return text(d, "inforom", out, n); }
nvmlReturn_t nvmlDeviceValidateInforom(nvmlDevice_t d) { unsigned int ignored; return number32(d, "inforom.valid", &ignored); }
nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t d, nvmlBrandType_t *out) { return number32(d, "brand", (unsigned int *)out); }
nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t d, nvmlGpuVirtualizationMode_t *out) {
    return number32(d, "virtualization", (unsigned int *)out);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *out) {
    memset(out, 0, sizeof *out);
    nvmlReturn_t code = text(d, "pci", out->busId, sizeof out->busId);
    if (code == NVML_SUCCESS) number32(d, "pci.device", &out->pciDeviceId);
    return code;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t d, int *major, int *minor) {
    const char *value;
    nvmlReturn_t code = ask(d, "capability", &value);
    if (code == NVML_SUCCESS) sscanf(value, "%d.%d", major, minor);
    return code;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *out) {
    unsigned long long total, used, reserved = 0;
    nvmlReturn_t code = number(d, "memory.total", &total);
    if (code == NVML_SUCCESS) code = number(d, "memory.used", &used);
    if (code != NVML_SUCCESS) return code;
    number(d, "memory.reserved", &reserved);
    out->total = total;
    out->used = used + reserved;
    out->free = total - used - reserved;
    return code;
}

#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t d, nvmlMemory_v2_t *out) {
    unsigned long long reserved = 0;
    nvmlMemory_t plain;
    nvmlReturn_t code = nvmlDeviceGetMemoryInfo(d, &plain);
    if (code != NVML_SUCCESS) return code;
    number(d, "memory.reserved", &reserved);
    out->total = plain.total;
    out->reserved = reserved;
    out->used = plain.used - reserved;
    out->free = plain.free;
    return code;
}
#endif

/* ---------------------------------------------------------------------------------------- modes */

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t d, nvmlEnableState_t *out) { return number32(d, "persistence", (unsigned int *)out); }
nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t d, nvmlComputeMode_t *out) { return number32(d, "compute_mode", (unsigned int *)out); }
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned int *current, unsigned int *pending) {
    nvmlReturn_t code = number32(d, "mig", current);
    *pending = *current;
    if (code == NVML_SUCCESS) number32(d, "mig.pending", pending);
    return code;
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned int *out) { return number32(d, "mig.max", out); }
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned int index, nvmlDevice_t *out) {
    char key[64];
    if (index >= MAX_MIG) return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(key, sizeof key, "gpu.%d.mig.%u.uuid", d->gpu, index);
    if (!find(key)) return NVML_ERROR_NOT_FOUND;
    instances[d->gpu][index].gpu = d->gpu;
    instances[d->gpu][index].mig = (int)index;
    *out = &instances[d->gpu][index];
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t d, nvmlEnableState_t *current, nvmlEnableState_t *pending) {
    nvmlReturn_t code = number32(d, "ecc", (unsigned int *)current);
    *pending = *current;
    if (code == NVML_SUCCESS) number32(d, "ecc.pending", (unsigned int *)pending);
    return code;
}

/* ---------------------------------------------------------------------------------------- memory errors */

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t d, nvmlMemoryErrorType_t type, nvmlEccCounterType_t counter, unsigned long long *out) {
    char key[64];
    snprintf(key, sizeof key, "ecc.%s.%s", type ? "uncorrected" : "corrected", counter ? "aggregate" : "volatile");
    return number(d, key, out);
}

#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetSramEccErrorStatus(nvmlDevice_t d, nvmlEccSramErrorStatus_t *out) {
    unsigned int version = out->version;
    unsigned long long first;
    nvmlReturn_t code = number(d, "sram.uncorrected.aggregate", &first);
    if (code != NVML_SUCCESS) return code;
    memset(out, 0, sizeof *out);
    out->version = version;
    out->aggregateUncSecDed = first;
    number(d, "sram.uncorrected.volatile", &out->volatileUncSecDed);
    number(d, "sram.corrected.volatile", &out->volatileCor);
    number32(d, "sram.exceeded", &out->bThresholdExceeded);
    return code;
}
#endif

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t d, unsigned int *c, unsigned int *u, unsigned int *pending, unsigned int *failed) {
    nvmlReturn_t code = number32(d, "rows.corrected", c);
    *u = *pending = *failed = 0;
    if (code != NVML_SUCCESS) return code;
    number32(d, "rows.uncorrected", u);
    number32(d, "rows.pending", pending);
    number32(d, "rows.failed", failed);
    return code;
}

nvmlReturn_t nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t d, nvmlRowRemapperHistogramValues_t *out) {
    const char *value;
    nvmlReturn_t code = ask(d, "rows.histogram", &value);
    if (code == NVML_SUCCESS) sscanf(value, "%u,%u,%u,%u,%u", &out->max, &out->high, &out->partial, &out->low, &out->none);
    return code;
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t d, nvmlPageRetirementCause_t cause, unsigned int *count, unsigned long long *pages) {
    unsigned int have;
    nvmlReturn_t code = number32(d, cause ? "pages.double" : "pages.single", &have);
    if (code != NVML_SUCCESS) return code;
    if (have && (!pages || *count < have)) { *count = have; return NVML_ERROR_INSUFFICIENT_SIZE; }
    for (unsigned int i = 0; i < have; i++) pages[i] = 0x1000ull * (i + 1);
    *count = have;
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRetiredPagesPendingStatus(nvmlDevice_t d, nvmlEnableState_t *out) {
    return number32(d, "pages.pending", (unsigned int *)out);
}

/* ---------------------------------------------------------------------------------------- heat, power, clocks */

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned int *out) { (void)s; return number32(d, "temperature", out); }
nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t d, nvmlTemperatureThresholds_t t, unsigned int *out) {
    static const char *keys[] = {"temperature.shutdown", "temperature.slowdown", "temperature.memory_max", "temperature.max"};
    return t < 4 ? number32(d, keys[t], out) : NVML_ERROR_INVALID_ARGUMENT;
}

#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t d, nvmlMarginTemperature_t *out) {
    return number32(d, "temperature.margin", (unsigned int *)&out->marginTemperature);
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t d, unsigned long long *out) { return number(d, "clocks.reasons", out); }
#endif
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t d, unsigned long long *out) { return number(d, "clocks.reasons", out); }

static const char *clock_names[] = {"graphics", "sm", "memory", "video"};
static nvmlReturn_t clock_of(nvmlDevice_t d, const char *format, nvmlClockType_t type, unsigned int *out) {
    char key[64];
    if (type > 3) return NVML_ERROR_INVALID_ARGUMENT;
    snprintf(key, sizeof key, format, clock_names[type]);
    return number32(d, key, out);
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, nvmlClockType_t type, unsigned int *out) { return clock_of(d, "clocks.%s", type, out); }
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t d, nvmlClockType_t type, unsigned int *out) { return clock_of(d, "clocks.%s.max", type, out); }

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *out) {
    nvmlReturn_t code = number32(d, "utilization", &out->gpu);
    out->memory = 0;
    return code;
}
nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t d, nvmlPstates_t *out) { return number32(d, "pstate", (unsigned int *)out); }
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *out) { return number32(d, "power.usage", out); }
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t d, unsigned int *out) { return number32(d, "power.limit", out); }
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t d, unsigned int *out) { return number32(d, "power.default", out); }

/* ---------------------------------------------------------------------------------------- PCI Express and NVLink */

nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.generation", out); }
nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.generation.max", out); }
#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetGpuMaxPcieLinkGeneration(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.generation.gpu", out); }
#endif
nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.width", out); }
nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.width.max", out); }
nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t d, unsigned int *out) { return number32(d, "pcie.replays", out); }

/* nvlink.links=18 are there; nvlink.7=0 is link 7 down; nvlink.7.replay=3 are its errors */
static nvmlReturn_t link_exists(nvmlDevice_t d, unsigned int link) {
    unsigned int links;
    nvmlReturn_t code = number32(d, "nvlink.links", &links);
    return code != NVML_SUCCESS ? code : link < links ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}
nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t d, unsigned int link, nvmlEnableState_t *out) {
    nvmlReturn_t code = link_exists(d, link), own;
    if (code != NVML_SUCCESS) return code;
    *out = NVML_FEATURE_ENABLED;
    own = indexed(d, "nvlink.%u", link, (unsigned int *)out);
    return own == NVML_ERROR_NOT_SUPPORTED ? NVML_SUCCESS : own;
}
#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(nvmlDevice_t d, unsigned int link, nvmlIntNvLinkDeviceType_t *out) {
    nvmlReturn_t code = link_exists(d, link);
    return code != NVML_SUCCESS ? code : number32(d, "nvlink.remote", (unsigned int *)out);
}
#endif
nvmlReturn_t nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t d, unsigned int link, nvmlNvLinkErrorCounter_t counter, unsigned long long *out) {
    static const char *formats[] = {"nvlink.%u.replay", "nvlink.%u.recovery", "nvlink.%u.crc_flit", "nvlink.%u.crc_data", "nvlink.%u.ecc"};
    unsigned int value = 0;
    nvmlReturn_t code = link_exists(d, link);
    if (code != NVML_SUCCESS || counter > 4) return code ? code : NVML_ERROR_INVALID_ARGUMENT;
    indexed(d, formats[counter], link, &value);
    *out = value;
    return code;
}

static unsigned long long link_total(nvmlDevice_t d, nvmlNvLinkErrorCounter_t counter) {
    unsigned long long sum = 0, one;
    for (unsigned int link = 0; nvmlDeviceGetNvLinkErrorCounter(d, link, counter, &one) == NVML_SUCCESS; link++) sum += one;
    return sum;
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t d, int count, nvmlFieldValue_t *values) {
    unsigned int links;
    for (int i = 0; i < count; i++) {
        nvmlFieldValue_t *v = &values[i];
        unsigned long long answer = 0;
        nvmlNvLinkErrorCounter_t counter = NVML_NVLINK_ERROR_COUNT;
        char key[64];
        if (v->fieldId == NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL) counter = NVML_NVLINK_ERROR_DL_CRC_FLIT;
        if (v->fieldId == NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL) counter = NVML_NVLINK_ERROR_DL_CRC_DATA;
        if (v->fieldId == NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL) counter = NVML_NVLINK_ERROR_DL_REPLAY;
        if (v->fieldId == NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL) counter = NVML_NVLINK_ERROR_DL_RECOVERY;
        if (counter != NVML_NVLINK_ERROR_COUNT) {
            v->nvmlReturn = number32(d, "nvlink.links", &links);
            if (v->nvmlReturn == NVML_SUCCESS) answer = link_total(d, counter);
        } else {
            snprintf(key, sizeof key, "field.%u", v->fieldId);
            v->nvmlReturn = number(d, key, &answer);
        }
        v->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
        v->value.ullVal = answer;
    }
    return NVML_SUCCESS;
}

#ifndef DRIVER_OF_2021
nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t d, nvmlGpuFabricInfoV_t *out) {
    unsigned int state, status = 0;
    nvmlReturn_t code = number32(d, "fabric.state", &state);
    if (code != NVML_SUCCESS) return code;
    number32(d, "fabric.status", &status);
    out->state = (nvmlGpuFabricState_t)state;
    out->status = (nvmlReturn_t)status;
    out->healthMask = 0;
    number32(d, "fabric.health", &out->healthMask);
    return code;
}
#endif

/* ---------------------------------------------------------------------------------------- processes: "pid:bytes,pid:bytes" */

static nvmlReturn_t processes(nvmlDevice_t d, const char *key, unsigned int *count, nvmlProcessInfo_t *out) {
    const char *value;
    unsigned int have = 0, room = *count;
    nvmlReturn_t code = ask(d, key, &value);
    if (code != NVML_SUCCESS) return code;
    for (const char *at = value; *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "") {
        if (out && have < room) {
            unsigned int pid = 0;
            unsigned long long memory = 0;
            sscanf(at, "%u:%llu", &pid, &memory);
            memset(&out[have], 0, sizeof out[have]);
            out[have].pid = pid;
            out[have].usedGpuMemory = memory;
        }
        have++;
    }
    *count = have;
    return have > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
#ifdef DRIVER_OF_2021
#define PROCESSES(NAME, KEY) \
    nvmlReturn_t NAME##_v2(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_v2_t *out) { return processes(d, KEY, n, (nvmlProcessInfo_t *)out); }
#else
#define PROCESSES(NAME, KEY) \
    nvmlReturn_t NAME##_v3(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_t *out) { return processes(d, KEY, n, out); }
#endif
PROCESSES(nvmlDeviceGetComputeRunningProcesses, "processes")
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, "processes.graphics")
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses, "processes.mps")
