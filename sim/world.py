"""One PyBullet client holding one cell: with render, vacuum and contacts all that talks to it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np
import pybullet as p
import pybullet_data

from genba.sim.bodies import box, load_robot
from genba.sim.client import Client
from genba.sim.fingers import Fingers
from genba.sim.grippers import GRIPPERS
from genba.sim.layout import Layout, Numbers, PartSpec
from genba.sim.robots import ROBOTS
from genba.sim.state import Array
from genba.sim.vacuum import Cup

PHYSICS_HZ = 240
ITERATIONS = 20  # a grasp slips below 10
GRAVITY = 9.81  # m/s^2
FAR = 60.0  # m below the cell, where parts that are not in play wait
REST_SPEED = 0.004  # m/s and (ten times) rad/s below which an untouched part is parked
WAKE_RADIUS = 0.085  # m around the TCP, open fingers and half a part, in which parts are awake
WAKE_HEIGHT = 0.085  # m below the TCP; it may come down by 0.05 m in a step


class World(Client):
    """The physics of one cell. It owns its client; `close` gives it back."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.robot = ROBOTS[layout.robot]
        self.gripper = GRIPPERS[layout.gripper]
        super().__init__()
        try:
            self._build()
        except BaseException:  # whose traceback may be kept, and this world with it
            self.close()
            raise

    def _build(self) -> None:
        c = self.client
        p.resetSimulation(flags=p.RESET_USE_SIMPLE_BROADPHASE, physicsClientId=c)
        p.setAdditionalSearchPath(pybullet_data.getDataPath(), physicsClientId=c)
        p.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_HZ,
            numSolverIterations=ITERATIONS,
            deterministicOverlappingPairs=1,
            physicsClientId=c,
        )
        p.setGravity(0, 0, -GRAVITY, physicsClientId=c)
        self.body = load_robot(c, self.layout.robot, self.layout.gripper)
        # where its centre of mass is: what Bullet means by the position of a base
        self._base = p.getBasePositionAndOrientation(self.body, physicsClientId=c)
        self._arm = self.robot.joints
        self._forces = self.robot.torque_max.tolist()
        self.fingers = Fingers(self.gripper, self.robot.tool_link)
        solid = [f for f in self.layout.fixtures if f.solid]
        boxes = [box(c, f.half, 0.0, f.position, f.friction) for f in solid]
        self._belts = [
            (b, f.position, (0.0, f.belt, 0.0))
            for b, f in zip(boxes, solid, strict=True)
            if f.belt is not None
        ]
        self.parts = {
            s.name: box(c, s.half, s.mass, (2.0 * i, 0.0, -FAR), s.friction)
            for i, s in enumerate(self.layout.parts)
        }
        self._spec = {s.name: s for s in self.layout.parts}
        self._home = {s.name: (2.0 * i, 0.0, -FAR) for i, s in enumerate(self.layout.parts)}
        self.parked: set[str] = set()
        self.away: set[str] = set()
        self.ticks = 0  # of physics, since the world was built
        self._poses: dict[str, Array] = {}
        self._shown: dict[str, Array] = {}  # those of the parts in the cell, in the same order
        self._places: dict[str, tuple[float, ...]] = {}  # (x, y, z) m of the same poses
        self._asked: dict[str, int] = {}  # the tick at which a pose was asked for
        self._awake = list(self.parts)  # in the order of `parts`
        self.cup = Cup(self.gripper)
        self.grip = 0.0

    # -- reset -----------------------------------------------------------------------------------

    def reset(self, q: Numbers, poses: Mapping[str, Array]) -> None:
        """Put everything back, exactly: the same arguments give the same bits as a fresh build.

        q: (7,) rad; poses: name -> (7,) position m and quaternion; parts not named are put away.
        Everything that moves is first taken to a far cell of its own, so that no contact and no
        order of contacts survives; restoring a saved state does not achieve that.
        """
        c = self.client
        self.cup.let_go(self)
        p.resetBasePositionAndOrientation(self.body, [0, 9, -FAR], [0, 0, 0, 1], physicsClientId=c)
        for name in self.parts:
            self._wake(name)
            self._teleport(name, (*self._home[name], 0.0, 0.0, 0.0, 1.0))
        p.performCollisionDetection(physicsClientId=c)
        p.resetBasePositionAndOrientation(self.body, *self._base, physicsClientId=c)
        self._stand(q)
        self.parked.clear()
        self.away.clear()
        for name in self.parts:
            if name in poses:
                self.place(name, poses[name])
            else:
                self.put_away(name)
        self.drive(np.zeros(7))
        self.grip = 0.0
        self.set_grip(-1.0)
        self.run_belts()

    def jog(self, q: Numbers) -> None:
        """Move the arm to q (7,) rad by hand while it is locked out, the gripper opened."""
        self.set_grip(-1.0)
        self._stand(q)
        self.drive(np.zeros(len(self._arm)))

    def _stand(self, q: Numbers) -> None:
        stand = [(j, q[j]) for j in self._arm]
        for joint, at in [*stand, *((f, self.gripper.stroke) for f in self.fingers.joints)]:
            p.resetJointState(self.body, joint, at, 0.0, physicsClientId=self.client)

    def place(self, name: str, pose: Numbers) -> None:
        """Put a part at a pose (7,), awake and at rest."""
        self.away.discard(name)
        self._wake(name)
        self._teleport(name, pose)

    def put_away(self, name: str) -> None:
        """Take a part out of the cell."""
        if self.cup.held == name:
            self.cup.let_go(self)
        self.away.add(name)
        self._teleport(name, (*self._home[name], 0.0, 0.0, 0.0, 1.0))
        self._park(name)

    def _teleport(self, name: str, pose: Numbers) -> None:
        body, c = self.parts[name], self.client
        p.resetBasePositionAndOrientation(body, pose[:3], pose[3:], physicsClientId=c)
        p.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=c)
        self._poses[name] = np.array(pose, dtype=np.float64)
        self._places[name] = tuple(self._poses[name][:3].tolist())
        self._asked.pop(name, None)
        self._shown = {n: pose for n, pose in self._poses.items() if n not in self.away}

    def _park(self, name: str) -> None:
        """Without mass a part costs no solver time: solid, but it does not move."""
        if name not in self.parked:
            body, c = self.parts[name], self.client
            p.changeDynamics(body, -1, mass=0, physicsClientId=c)
            p.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=c)  # or it drifts on
            self.parked.add(name)
            self._awake = [n for n in self._awake if n != name]

    def _wake(self, name: str) -> None:
        if name in self.parked:
            mass = self._spec[name].mass
            p.changeDynamics(self.parts[name], -1, mass=mass, physicsClientId=self.client)
            self.parked.discard(name)
            self._awake = [n for n in self.parts if n not in self.parked]

    # -- one tick --------------------------------------------------------------------------------

    def encoders(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """q (7,) rad and dq (7,) rad/s of the arm, as the engine's own numbers."""
        q, dq, _, _ = zip(*p.getJointStates(self.body, self._arm, self.client), strict=True)
        return q, dq

    def joints(self) -> tuple[Array, Array]:
        """q (7,) rad and dq (7,) rad/s of the arm."""
        q, dq = self.encoders()
        return np.array(q), np.array(dq)

    def drive(self, dq: Numbers) -> None:
        """Set the arm's joint speeds (7,) rad/s until the next call."""
        p.setJointMotorControlArray(
            self.body, self._arm, p.VELOCITY_CONTROL, targetVelocities=dq,
            forces=self._forces, physicsClientId=self.client,
        )  # fmt: skip

    def set_grip(self, grip: float) -> None:
        """A positive grip closes or sucks; a negative one opens, to |grip| of the full opening."""
        before, self.grip = self.grip, grip
        if self.fingers.joints:
            if grip != before and not (grip > 0 and before > 0):
                self.fingers.move(self, grip)
        elif grip <= 0:
            self.cup.let_go(self)

    def step(self, ticks: int = 1) -> None:
        """Advance the physics by `ticks` of 1/240 s."""
        self.ticks += ticks
        for _ in range(ticks):
            p.stepSimulation(physicsClientId=self.client)

    def push(self, link: int, point: Array, force: Array) -> None:
        """Apply a force (3,) N at a point (3,) m to a link of the robot during the next tick."""
        p.applyExternalForce(
            self.body, link, force.tolist(), point.tolist(), p.WORLD_FRAME,
            physicsClientId=self.client,
        )  # fmt: skip

    def run_belts(self) -> None:
        """Carry on the belts for one control step: the pose is set back, then the speed given."""
        for body, home, speed in self._belts:
            p.resetBasePositionAndOrientation(body, home, [0, 0, 0, 1], physicsClientId=self.client)
            p.resetBaseVelocity(body, speed, [0, 0, 0], physicsClientId=self.client)

    # -- gripper ---------------------------------------------------------------------------------

    def gripper_state(self) -> tuple[float, bool]:
        """(opening m or vacuum 0..1, whether a part is felt), as the gripper's own sensors say."""
        if self.fingers.joints:
            return self.fingers.read(self)
        return float(self.cup.held is not None), self.cup.held is not None

    @property
    def sucked(self) -> str | None:
        """The part a vacuum cup holds."""
        return self.cup.held

    def suck(self, tcp: Array, seconds: float) -> None:
        """Let a vacuum cup at the TCP (7,) work for one control step: seal, hold or lose."""
        if not self.fingers.joints:
            self.cup.work(self, tcp, self.grip > 0, seconds)

    # -- parts -----------------------------------------------------------------------------------

    def pose(self, name: str) -> Array:
        """(7,) of a part; a parked part's is remembered, the others' are asked for once a tick."""
        if self._asked.get(name) != self.ticks and name not in self.parked:
            at, turn = p.getBasePositionAndOrientation(self.parts[name], self.client)
            self._poses[name] = self._shown[name] = np.array((*at, *turn))
            self._places[name], self._asked[name] = at, self.ticks
        return self._poses[name]

    def place_of(self, name: str) -> tuple[float, ...]:
        """(x, y, z) m of a part, the numbers of its pose."""
        self.pose(name)
        return self._places[name]

    def speed(self, name: str, belt: float = 0.0) -> float:
        """m/s, with a tenth of the rad/s, of a part; against a belt (m/s along y) it rides on."""
        if name in self.parked:
            return 0.0
        v, w = p.getBaseVelocity(self.parts[name], physicsClientId=self.client)
        return float(max(abs(v[0]), abs(v[1] - belt), abs(v[2]), 0.1 * max(map(abs, w))))

    def in_play(self) -> list[str]:
        """Names of the parts in the cell, in a fixed order."""
        return [n for n in self.parts if n not in self.away]

    def poses(self) -> dict[str, Array]:
        """Pose (7,) of every part in the cell; those that are parked keep their array."""
        for name in self._awake:
            self.pose(name)
        return self._shown.copy()

    def awake(self) -> Sequence[str]:
        """Names of the parts in the cell that are not parked."""
        return self._awake

    def spec(self, name: str) -> PartSpec:
        """What kind of workpiece a part is."""
        return self._spec[name]

    def settle(self, tcp: Array, speed: float, keep_awake: Container[str] = ()) -> None:
        """Park parts that rest out of the gripper's reach and wake those it may touch next.

        tcp: (7,); speed: m/s sideways. Call it once a control step.
        """
        x, y, z = tcp[:3].tolist()
        radius, low = WAKE_RADIUS + speed / 20, z - WAKE_HEIGHT
        near = [
            name
            for name, (px, py, pz) in self._places.items()
            if pz > low and abs(px - x) < radius and abs(py - y) < radius
        ]
        idle = [n for n in self._awake if n not in near and n not in keep_awake]
        for name in near:
            self._wake(name)
        for name in idle:
            if self.speed(name) < REST_SPEED:
                self.pose(name)
                self._park(name)
