#!/usr/bin/env bash
# The rounds of docs/results.md on real data: one option at a time, each from the same base.
#
#     [JOBS=N] tests/benchmarks/rounds.sh CROPS.csv FOLDER_OF_IMAGENET_WEIGHTS OUT
#
# Some hours on two cores; N trainings side by side where there is more, or a GPU. What is there
# already is not trained again, so it may be interrupted. A training that fails leaves the others be.
set -euo pipefail
crops=$(realpath "$1") weights=$(realpath "$2") jobs=${JOBS:-1}
mkdir -p "$3" && cd "$3"

# Or else the first training takes all of a GPU.
export TF_FORCE_GPU_ALLOW_GROWTH=true
trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT
trainings=()

prepare() {
    local out=$1
    shift
    [ -f "$out/prepare.json" ] || lss prepare "$crops" --no-figures --out "$out" "$@"
}

train() {
    local data=$1 out=runs/$2
    shift 2
    [ -f "$out/config.json" ] && return
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    lss train --data "$data" --out "$out" --seed 0 "$@" $([ -d "$out" ] && echo --resume) &
    trainings+=($!)
}

prepare data --split 60:20:20 --mirror --size 60,50

train data base
train data seed-1 --seed 1
train data seed-2 --seed 2
for activation in tanh leaky_relu sigmoid; do
    train data "$activation" --activation "$activation"
done
for size in 16 64 100; do
    train data "batch-$size" --batch-size "$size"
done
for epochs in 12 16; do
    train data "epochs-$epochs" --epochs "$epochs"
done
train data dense-64 --dense 64
train data dense-256-128 --dense 256,128
train data filters-8 --filters 8
train data filters-32 --filters 32
train data blocks-2 --blocks 2
train data blocks-4 --blocks 4
train data lstm --slices sequence
train data stratified --strategy stratified
train data equal-train --strategy equal-train

# Large enough for all nine.
prepare nets --split 60:20:20 --size 75,75 --field-mm 30,30
train nets custom
train nets mobilenet --backbone mobilenet --weights "$weights/mobilenet_notop.weights.h5" --learning-rate 3e-4
train nets vgg16 --backbone vgg16 --weights "$weights/vgg16_notop.weights.h5" --freeze --copies 2 --epochs 20
for backbone in efficientnet_b0 inception_v3 densenet121 xception resnet50 inception_resnet_v2; do
    train nets "$backbone" --backbone "$backbone" --weights none --epochs 2 --learning-rate 3e-4
done

failed=0
for training in "${trainings[@]}"; do wait "$training" || failed=$?; done
exit $failed
