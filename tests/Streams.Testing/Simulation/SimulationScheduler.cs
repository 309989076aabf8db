namespace Streams.Testing;

/// <summary>Runs the tasks of a simulation on the one thread that pumps it, one at a time, in an order drawn from its seed. What is awaited
/// under it goes on under it, so code written for many threads plays the same way whenever the seed is the same.</summary>
/// <remarks>A task that another thread hands over is refused: it would make a run impossible to repeat.</remarks>
public sealed class SimulationScheduler(Random chance) : TaskScheduler
{
    private readonly List<Task> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _entering;

    /// <summary>Tasks that could run now.</summary>
    public int Ready => _ready.Count;

    /// <summary>Tasks run so far.</summary>
    public long Ran { get; private set; }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs <paramref name="work"/> at once, under this scheduler.</summary>
    public void Enter(Action work)
    {
        // A context of the caller's (a test runner's, say) would be preferred to this scheduler by everything awaited.
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Task task = new(work);
            _entering = true;
            task.RunSynchronously(this);
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Runs one of the ready tasks; false when there is none.</summary>
    public bool RunOne()
    {
        if (_ready.Count == 0)
        {
            return false;
        }

        int at = chance.Next(_ready.Count);
        Task task = _ready[at];
        _ready.RemoveAt(at);
        Ran++;
        return TryExecuteTask(task);
    }

    /// <summary>Runs tasks until none is ready.</summary>
    /// <exception cref="InvalidOperationException">They make each other ready without end.</exception>
    public void RunAll(int most = 1_000_000)
    {
        for (int i = 0; RunOne(); i++)
        {
            if (i == most)
            {
                throw new InvalidOperationException($"{most} tasks ran and there is no end: one makes the next ready");
            }
        }
    }

    protected override void QueueTask(Task task)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            throw new InvalidOperationException("a task came from another thread: something does not keep to the scheduler");
        }

        _ready.Add(task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
    {
        bool enters = _entering;
        _entering = false;
        return enters && TryExecuteTask(task);
    }

    protected override IEnumerable<Task> GetScheduledTasks() => [.. _ready];
}
