// SPDX-License-Identifier: Apache-2.0
#include "model/networks/residual.h"

#include "torch/torch.h"

namespace m3lung {

torch::nn::Conv2d MakeConvolution(int in_channels, int out_channels, int kernel, int stride) {
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
                                    .stride(stride)
                                    .padding(kernel / 2)
                                    .bias(false));
  torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
  return convolution;
}

BottleneckImpl::BottleneckImpl(int in_channels, int width, int stride)
    : conv1_(MakeConvolution(in_channels, width, 1, 1)),
      conv2_(MakeConvolution(width, width, 3, stride)),
      conv3_(MakeConvolution(width, kExpansion * width, 1, 1)),
      bn1_(width),
      bn2_(width),
      bn3_(kExpansion * width) {
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  register_module("conv2", conv2_);
  register_module("bn2", bn2_);
  register_module("conv3", conv3_);
  register_module("bn3", bn3_);
  if (stride != 1 || in_channels != kExpansion * width) {
    downsample_ = torch::nn::Sequential(MakeConvolution(in_channels, kExpansion * width, 1, stride),
                                        torch::nn::BatchNorm2d(kExpansion * width));
    register_module("downsample", downsample_);
  }
}

torch::Tensor BottleneckImpl::forward(const torch::Tensor& input) {
  torch::Tensor x = torch::relu(bn1_(conv1_(input)));
  x = torch::relu(bn2_(conv2_(x)));
  x = bn3_(conv3_(x));
  const torch::Tensor skip = downsample_.is_empty() ? input : downsample_->forward(input);
  return torch::relu(x + skip);
}

torch::nn::Sequential MakeResBlock(int in_channels, int width, int blocks, int stride) {
  torch::nn::Sequential block;
  block->push_back(Bottleneck(in_channels, width, stride));
  for (int i = 1; i < blocks; ++i) block->push_back(Bottleneck(kExpansion * width, width, 1));
  return block;
}

}  // namespace m3lung
