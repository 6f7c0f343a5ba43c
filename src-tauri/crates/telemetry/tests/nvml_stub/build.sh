#!/bin/sh
# Builds the stand-in for NVML:  build.sh FOLDER [flags for cc…]
#
# Makes FOLDER/libnvidia-ml.so.1, which a node takes as its NVML library, and beside it FOLDER/libnvidia-ml.so.1.values, a Tesla T4
# whose figures may be rewritten while the node runs (write a new file and rename it over the old one). The format stands atop
# nvml_stub.c.  `-DnvmlDeviceGetTemperature=absent` takes that symbol out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
shift
mkdir -p "$folder"
cc -std=gnu11 -O1 -Wall -Werror -shared -fPIC "$@" -o "$folder/libnvidia-ml.so.1" "$here/nvml_stub.c" -ldl
cp "$here/tesla_t4.values" "$folder/libnvidia-ml.so.1.values"
