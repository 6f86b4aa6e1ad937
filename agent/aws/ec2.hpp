// EC2, by subject. Each call is a function of a Client; AwsError tells of failures.
#pragma once

#include "aws/ec2/addresses.hpp"
#include "aws/ec2/groups.hpp"
#include "aws/ec2/images.hpp"
#include "aws/ec2/instances.hpp"
#include "aws/ec2/keys.hpp"
#include "aws/ec2/network.hpp"
#include "aws/ec2/tags.hpp"
#include "aws/ec2/volumes.hpp"
