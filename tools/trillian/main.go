// Trillian, as Rekor v1 needs it: its log server and its sequencer, which are two programs that meet in a database, in one process
// on Trillian's own storage in memory. Nothing is kept. What the storage lacks of those with a database is told here: that a leaf
// is there already.
//
// Usage: trillian ADDRESS (as 127.0.0.1:8090)
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	sequencing "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	_ "github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: trillian ADDRESS")
	}
	if err := serve(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func serve(address string) error {
	metrics := monitoring.InertMetricFactory{}
	provider, err := storage.NewProvider("memory", metrics)
	if err != nil {
		return err
	}
	registry := extension.Registry{
		AdminStorage:    provider.AdminStorage(),
		LogStorage:      &distinct{LogStorage: provider.LogStorage(), seen: map[string]*trillian.LogLeaf{}},
		ElectionFactory: election2.NoopFactory{},
		QuotaManager:    quota.Noop(),
		MetricFactory:   metrics,
	}
	go sequence(registry)
	errors := interceptor.ErrorWrapper
	trees := interceptor.New(registry.AdminStorage, registry.QuotaManager, false, metrics).UnaryInterceptor
	rpc := grpc.NewServer(grpc.ChainUnaryInterceptor(errors, trees))
	trillian.RegisterTrillianAdminServer(rpc, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(rpc, server.NewTrillianLogRPCServer(registry, clock.System))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return rpc.Serve(listener)
}

// Puts what was queued into the trees, as trillian_log_signer does.
func sequence(registry extension.Registry) {
	sequencing.NewOperationManager(sequencing.OperationInfo{
		Registry:    registry,
		BatchSize:   50,
		NumWorkers:  1,
		RunInterval: 50 * time.Millisecond,
		TimeSource:  clock.System,
	}, sequencing.NewSequencerManager(registry, 0)).OperationLoop(context.Background())
}

// A storage that takes no leaf of a tree twice, as storage.LogStorage demands.
type distinct struct {
	storage.LogStorage
	lock sync.Mutex
	seen map[string]*trillian.LogLeaf
}

func (d *distinct) QueueLeaves(
	ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, at time.Time,
) ([]*trillian.QueuedLogLeaf, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	queued := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		name := fmt.Sprintf("%d %x", tree.TreeId, leaf.LeafIdentityHash)
		if there, ok := d.seen[name]; ok {
			known := status.New(codes.AlreadyExists, "the leaf exists").Proto()
			queued[i] = &trillian.QueuedLogLeaf{Leaf: there, Status: known}
			continue
		}
		added, err := d.LogStorage.QueueLeaves(ctx, tree, leaves[i:i+1], at)
		if err != nil {
			return nil, err
		}
		d.seen[name], queued[i] = leaf, added[0]
	}
	return queued, nil
}
