#!/bin/sh
# One run of the AWS CLI for each line of input; $1 is its path.
version=$("$1" --version 2>&1) && echo "${version%% *}"
while read -r _; do
	if said=$("$1" ecs list-clusters 2>&1); then
		echo ok
	else
		echo "error $said" | tr '\n' ' '
		echo
	fi
done
