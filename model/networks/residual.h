// SPDX-License-Identifier: Apache-2.0
// The residual blocks of ResNet-50, named and placed as torchvision names and
// places them (stride on the 3x3 convolution), so that its weights can be loaded.
#ifndef M3LUNG_MODEL_NETWORKS_RESIDUAL_H_
#define M3LUNG_MODEL_NETWORKS_RESIDUAL_H_

#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/container/sequential.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/pimpl.h"

namespace m3lung {

// Output channels of a bottleneck for each channel of its 3x3 convolution.
inline constexpr int kExpansion = 4;

// 1x1, 3x3, 1x1 convolutions and a skip connection; [N, in_channels, H, W] to
// [N, kExpansion * width, H / stride, W / stride].
class BottleneckImpl : public torch::nn::Module {
 public:
  BottleneckImpl(int in_channels, int width, int stride);

  torch::Tensor forward(const torch::Tensor& input);

 private:
  torch::nn::Conv2d conv1_, conv2_, conv3_;
  torch::nn::BatchNorm2d bn1_, bn2_, bn3_;
  torch::nn::Sequential downsample_{nullptr};  // null: the skip is the input itself
};
TORCH_MODULE(Bottleneck);

// `blocks` bottlenecks, the first with `stride`.
torch::nn::Sequential MakeResBlock(int in_channels, int width, int blocks, int stride);

// A convolution without bias, padded so that stride 1 keeps the size.
torch::nn::Conv2d MakeConvolution(int in_channels, int out_channels, int kernel, int stride);

}  // namespace m3lung

#endif  // M3LUNG_MODEL_NETWORKS_RESIDUAL_H_
