namespace Streams.Storage;

/// <summary>Operations that are taken, staged, written and answered together. The writer's own, but for a group in flight, which another
/// thread writes and flushes.</summary>
internal sealed class OperationGroup
{
    private long _cost;
    private int _taken;

    public List<Operation> Operations { get; } = [];

    /// <summary>Bytes that they will add to the log, about.</summary>
    public long Cost => _cost;

    /// <summary>Whether it is in the log, as far as it can be seen.</summary>
    public bool IsAppended { get; set; }

    /// <summary>While it is in flight: completes when it is flushed, or with the refusal.</summary>
    public Task Flight { get; set; } = Task.CompletedTask;

    /// <summary>When the flight began.</summary>
    public long Started { get; set; }

    /// <summary>Takes what waits; what was in it before is answered.</summary>
    public void Take(WriteQueue queue, ContainerOptions options)
    {
        Operations.Clear();
        IsAppended = false;
        _cost = queue.Take(Operations, options.GroupBytes, options.GroupOperations);
        _taken = Operations.Count;
    }

    /// <summary>Whether the group behind it may be staged while it is flushed.</summary>
    public bool MayOverlap(Stager stager)
    {
        foreach (Operation operation in Operations)
        {
            if (!operation.MayOverlap(stager))
            {
                return false;
            }
        }

        return Operations.Count > 0;
    }

    /// <summary>It was staged for nothing, and will be staged again as if it never had been. What was refused meanwhile is
    /// answered.</summary>
    public void Unstage()
    {
        Operations.RemoveAll(o => o.IsRefused);
        Operations.ForEach(o => o.IsStaged = false);
    }

    /// <summary>Answers all that is not refused.</summary>
    public void Complete()
    {
        foreach (Operation operation in Operations)
        {
            if (!operation.IsRefused)
            {
                operation.Complete();
            }
        }
    }

    /// <summary>Answers all that has no answer yet that nobody knows, or, if it was never taken up, that it was not done.</summary>
    public void Fail(Exception cause)
    {
        foreach (Operation operation in Operations)
        {
            if (!operation.IsRefused)
            {
                operation.Fail(cause);
            }
        }
    }

    /// <summary>Answers all that has no answer yet that it was not done: nothing of it is in the log.</summary>
    public void Refuse(Exception cause)
    {
        foreach (Operation operation in Operations)
        {
            if (!operation.IsRefused)
            {
                operation.IsStaged = false;
                operation.Fail(cause);
            }
        }
    }

    /// <summary>Makes room for others in the queue; the second time nothing happens.</summary>
    public void Release(WriteQueue queue)
    {
        queue.Release(_cost, _taken);
        _cost = _taken = 0;
    }
}
