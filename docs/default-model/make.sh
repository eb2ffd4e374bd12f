#!/usr/bin/env bash
# Make models/default.onnx and models/canal.onnx again from RSNA's cut-outs.
#
#     docs/default-model/make.sh CROPS.csv TRAIN.csv MOBILENET_WEIGHTS OUT
#
# Some hours on two cores. What is there already is not made again, so it may be interrupted.
set -euo pipefail
crops=$(realpath "$1") labels=$(realpath "$2") weights=$(realpath "$3")
configs=$(dirname "$(realpath "$0")")
mkdir -p "$4" && cd "$4"

prepare() {
    local out=$1
    shift
    [ -f "$out/prepare.json" ] ||
        lss prepare "$crops" --out "$out" --level --folds 5 --split 100:0 --no-figures "$@"
}

train() {
    local data=$1 kind=$2 out=runs/$1-$2
    [ -f "$out/config.json" ] ||
        lss train --data "$data" --folds --config "$configs/$kind.toml" --out "$out" \
            $([ "$kind" = mobilenet ] && echo --weights "$weights") $([ -d "$out" ] && echo --resume)
}

make() {
    local name=$1
    shift
    for kind in custom sequence mobilenet; do train "$name" "$kind"; done
    lss export-onnx runs/"$name"-{custom,sequence,mobilenet} --out "$name.onnx" --name "$name" \
        --precision int8 --grade-weights 1,2,4 --predictions "$name.csv" \
        --trained-on "RSNA 2024 LumbarDISC crops" \
        --licence "non-commercial research only, as the RSNA 2024 data it was trained on" "$@"
}

prepare default --mirror
make default
prepare canal --condition spinal_canal_stenosis --canal-labels "$labels" --field-mm 40,32 --shift-mm 0
make canal --calibration dirichlet
