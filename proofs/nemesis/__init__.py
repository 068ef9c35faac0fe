"""The nemesis: buyers compete for too few seats while everything is killed; what they saw is checked as a history."""
