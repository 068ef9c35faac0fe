"""The nemesis: buyers who fight for too few seats while everything is killed; what they saw is checked as a history."""
