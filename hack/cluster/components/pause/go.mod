module github.com/airlock-dev/airlock/hack/cluster/components/pause

go 1.26.0
