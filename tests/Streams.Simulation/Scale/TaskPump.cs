namespace Streams.Simulation;

/// <summary>Runs tasks on the thread that asks for it, in the order in which they became ready: what is awaited in a world goes on in that
/// world's one thread.</summary>
internal sealed class TaskPump : TaskScheduler
{
    private readonly Queue<Task> _ready = new();
    private readonly Thread _thread = Thread.CurrentThread;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs something as the pump's own, so that everything it begins comes back to the pump.</summary>
    public void Run(Action what)
    {
        // A context of the caller's would be where awaits go on.
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Task task = new(what);
            task.Start(this);
            Drain();
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Runs what is ready until nothing is.</summary>
    public void Drain()
    {
        while (_ready.TryDequeue(out Task? task))
        {
            TryExecuteTask(task);
        }
    }

    protected override void QueueTask(Task task)
    {
        if (Thread.CurrentThread != _thread)
        {
            throw new InvalidOperationException("another thread works in the world: the play could not be repeated");
        }

        _ready.Enqueue(task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [.. _ready];
}
